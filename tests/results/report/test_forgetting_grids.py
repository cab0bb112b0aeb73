"""Forgetting grids: a study whose domains are taught in turn has a section of its page for them."""

import dataclasses

import golden_texts
from read_pages import CHECKLIST, bare
from simulated_study import data, read, small, study_of
from told_values import told as lines_of

from ablations.tasks import task
from results.forgetting import Forgetting
from results.report.forgetting_grids import _grid, forgetting_grids


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
    page = bare(reading, effects, CHECKLIST)
    assert 'id="forgetting"' in page and 'backward transfer' in page
    assert 'id="forgetting"' not in bare(*read(*small()), CHECKLIST)


def test_each_arm_has_the_domains_that_it_was_taught_and_transfers_with_their_signs():
    first = Forgetting('base', 'digits', ('one', 'two'), (0.9, 0.8), (0.85, 0.8), -0.05, (-0.06, -0.04), 0.125, None, 6)
    second = Forgetting('arm', 'digits', ('two', 'three'), (0.7, 0.6), (0.75, 0.6), 0.05, None, -0.01, (-0.02, 0.0), 6)
    grid = _grid(task('digits'), [first, second])
    assert [name for name, _ in grid['columns']] == ['arm', 'one', 'two', 'three', 'backward transfer', 'forward transfer']
    assert grid['rows'] == [
        ['base', '90.0 → 85.0', '80.0 → 80.0', '–', '−5.0 [−6.0, −4.0]', '+12.5'],
        ['arm', '–', '70.0 → 75.0', '60.0 → 60.0', '+5.0', '−1.0 [−2.0, 0.0]'],
    ]
