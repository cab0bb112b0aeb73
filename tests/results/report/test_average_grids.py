"""Averages of weights: a note of tables and a section of the page where a study has them, and nothing elsewhere."""

import dataclasses

import golden_texts
import numpy as np
import pytest
from read_pages import CHECKLIST, bare
from simulated_study import data, read, small, study_of
from told_values import told as lines_of

from results.average_scores import average_scores
from results.report.average_grids import average_grids
from results.store.recorded import Records
from results.tables import note
from results.tables.study_facts import study_facts


def averaged():
    """A study whose averages are 0.01 above the weights in every run."""
    study, planned, records, *told = data(dataclasses.replace(study_of('one_swap'), fixed={'ema': 0.9}, name='small_ema'), {})
    for record in records.values():
        own, points = record['score'], len(record['curve']['score'])
        record['curve']['score_average'] = [*[None] * (points - 1), own and own + 0.01]
    return read(study, planned, records, *told)


def test_a_study_with_averages_tells_them_and_no_other_does():
    reading, findings = averaged()
    made = average_scores(reading)
    assert {(one.arm, one.task) for one in made} == {
        (arm, own.name) for arm in reading.study.arms for own in reading.study.tasks
    }
    for one in made:
        sign = reading.study.task(one.task).sign
        assert (one.value - one.weights, one.gain) == (pytest.approx(0.01), pytest.approx(sign * 0.01))
        np.testing.assert_allclose(one.gain_interval, sign * 0.01, atol=1e-9)
    grids = average_grids(reading)
    golden_texts.hold(
        'grid_averages', '\n'.join(lines_of('averages', {row: own for one in grids for row, own in enumerate(one['rows'])}))
    )
    assert [row[0] for row in grids[0]['rows']] == list(reading.study.arms)
    page, others = bare(reading, findings, CHECKLIST), bare(*read(*small()), CHECKLIST)
    assert 'id="averages"' in page and 'id="averages"' not in others
    assert 'Moving averages of the weights score' in note(findings, facts=study_facts(reading, findings))
    assert 'Moving averages' in page and 'Moving averages' not in others


def test_averages_are_told_of_runs_that_have_one_at_their_end_alone():
    reading, _ = averaged()
    arm, task = reading.study.base, reading.study.tasks[0]
    before = next(one for one in average_scores(reading) if (one.arm, one.task) == (arm, task.name))

    def changed(**fields: object) -> list:
        """With one run of the first replicate changed."""
        key = reading.schedule.asked['confirm', arm, task.name, 0][0].id
        own = reading.records.whole(key)
        curve = {**own['curve'], **fields.pop('curve', {})}
        rows = [reading.records.whole(one) for one in reading.records if one != key] + [{**own, 'curve': curve, **fields}]
        made = average_scores(dataclasses.replace(reading, records=Records.of(rows)))
        return [one for one in made if (one.arm, one.task) == (arm, task.name)]

    own = reading.records.whole(reading.schedule.asked['confirm', arm, task.name, 0][0].id)['score']
    others = [reading.records.whole(one.id)['score'] for one in reading.schedule.asked['confirm', arm, task.name, 0][1:]]
    assert len(others) >= 1
    without = before.weights + (np.mean(others) - np.mean([own, *others])) / len(before_replicates(reading, arm, task))
    for fields in ({'curve': {'score_average': [None, None]}}, {'status': 'diverged'}, {'score': None}):
        (one,) = changed(**fields)
        assert (one.weights, one.gain) == (pytest.approx(without), pytest.approx(task.sign * 0.01)), fields
    (one,) = changed(curve={'score_average': [None, own + 0.04]})
    share = 1 / (1 + len(others)) / len(before_replicates(reading, arm, task))
    assert one.gain == pytest.approx(task.sign * (0.01 + 0.03 * share)) and one.weights == pytest.approx(before.weights)


def before_replicates(reading, arm, task) -> list:
    return [key for key in reading.schedule.asked if key[:3] == ('confirm', arm, task.name)]
