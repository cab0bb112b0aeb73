"""Forgetting grids: a study whose domains are taught in turn has a section of its page for them."""

import dataclasses

import golden_texts
from read_pages import CHECKLIST, bare
from simulated_study import data, read, small, study_of
from told_values import told as lines_of

from ablations.tasks import task
from results.report.forgetting_grids import forgetting_grids


def test_the_page_of_a_study_with_turns_has_a_section_and_other_pages_do_not():
    turned = dataclasses.replace(task('digits_in_turn'), name='turned')
    study, planned, records, *told = data(dataclasses.replace(study_of('one_swap'), tasks=(turned,), name='small_turns'), {})
    for record in records.values():
        points = [20 * number for number, _ in enumerate(record['curve']['score'])]
        record['curve']['step'] = points
        scores = [0.25 + 0.001 * point for point in points]
        ends = {'first': {'first': 0, 'end': points[-1] // 2}, 'second': {'first': points[-1] // 2, 'end': points[-1]}}
        record['turns'] = {name: {**turn, 'scores': scores} for name, turn in ends.items()}
    reading, effects = read(study, planned, records, *told)
    (grid,) = forgetting_grids(reading)
    golden_texts.hold(
        'grid_forgetting',
        '\n'.join(lines_of('forgetting', {row: own for one in [grid] for row, own in enumerate(one['rows'])})),
    )
    assert [row[0] for row in grid['rows']] == list(study.arms) and grid['caption'].startswith('turned: ')
    assert all(float(row[3].split()[0]) >= 0 for row in grid['rows']), 'scores only rise here'
    assert all(row[3].startswith('+') for row in grid['rows'] if float(row[3].split()[0]) > 0), 'a transfer has its sign'
    page = bare(reading, effects, CHECKLIST)
    assert 'id="forgetting"' in page and 'backward transfer' in page
    assert 'id="forgetting"' not in bare(*read(*small()), CHECKLIST)
