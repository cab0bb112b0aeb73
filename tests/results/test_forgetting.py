"""Forgetting: transfers by hand, over the replicates of a study, and on its page."""

import dataclasses

import numpy as np
import pytest

from ablations.study import Study
from ablations.tasks import task
from results.forgetting import forgetting, transfers
from results.report.forgetting_grids import forgetting_grids
from results.statistics import mean_interval
from results.store.reading import Reading
from sweeps.protocol.simulate import World, simulate

STEPS = [0, 20, 40, 60]


def turns_of(scores: np.ndarray) -> dict:
    """Three turns of twenty steps; `scores` `[3, points]`."""
    return {
        name: {'first': 20 * n, 'end': 20 * (n + 1), 'scores': list(scores[n])}
        for n, name in enumerate(('one', 'two', 'three'))
    }


def test_transfers_by_hand():
    scores = np.array([[1.0, 9.0, 6.0, 4.0], [1.0, 2.0, 8.0, 7.0], [0.0, 0.0, 3.0, 9.0]])
    made = transfers(turns_of(scores), STEPS, sign=1)
    assert made['learned'] == {'one': 9.0, 'two': 8.0, 'three': 9.0} and made['last'] == {'one': 4.0, 'two': 7.0, 'three': 9.0}
    assert made['backward'] == ((4 - 9) + (7 - 8)) / 2 and made['forward'] == ((2 - 1) + (3 - 0)) / 2
    lower = transfers(turns_of(scores), STEPS, sign=-1)
    assert (lower['backward'], lower['forward']) == (-made['backward'], -made['forward'])


def test_a_turn_that_ends_between_two_points_is_read_at_the_next_one():
    turns = turns_of(np.arange(12.0).reshape(3, 4))
    turns['one']['end'] = turns['two']['first'] = 25
    made = transfers(turns, STEPS, sign=1)
    assert made['learned']['one'] == 2.0 and made['forward'] == ((5 - 4) + (10 - 8)) / 2


class Whole(dict):
    """Records as a folder gives them: whole on demand."""

    def whole(self, name: str) -> dict:
        return self[name]


@pytest.fixture(scope='module')
def reading() -> Reading:
    turn = dataclasses.replace(task('digits_in_turn'), name='turned')
    study = Study(name='turns', question='?', arms={'base': (), 'arm': ()}, tasks=(turn, 'recall'), trials=8, replicates=3)
    schedule, records = simulate(study, World(), seed=1)
    generator = np.random.default_rng(0)
    for number, name in enumerate(records):
        scores = generator.uniform(0, 1, (3, 4))
        records[name] |= {'turns': turns_of(scores), 'curve': {'step': STEPS}}
        if number % 7 == 3:
            records[name] |= {'status': 'diverged', 'score': None}
    return Reading(study, schedule, Whole(records))


def test_means_over_runs_and_intervals_over_replicates(reading: Reading):
    told = forgetting(reading)
    assert [(one.arm, one.task, one.domains) for one in told] == [
        (arm, 'turned', ('one', 'two', 'three')) for arm in ('base', 'arm')
    ]
    confirmed = [key for key in reading.schedule.asked if key[0] == 'confirm' and key[2] == 'turned']
    assert sum(one.runs for one in told) < sum(len(reading.schedule.asked[key]) for key in confirmed)
    for one in told:
        by_replicate, runs = [], []
        for (phase, arm, name, _), trials in reading.schedule.asked.items():
            if (phase, arm, name) == ('confirm', one.arm, 'turned'):
                records = [reading.records[trial.id] for trial in trials]
                own = [transfers(r['turns'], STEPS, 1) for r in records if r['status'] == 'ok']
                by_replicate.append(np.mean([run['backward'] for run in own]))
                runs += own
        assert one.runs == len(runs)
        assert one.backward == pytest.approx(np.mean(by_replicate))
        assert one.backward_interval == pytest.approx(mean_interval(np.array(by_replicate), 0.95))
        assert one.last == pytest.approx([np.mean([run['last'][name] for run in runs]) for name in one.domains])


def test_a_page_has_a_table_a_task(reading: Reading):
    (grid,) = forgetting_grids(reading)
    assert [column for column, _ in grid['columns']] == ['arm', 'one', 'two', 'three', 'backward transfer', 'forward transfer']
    first = forgetting(reading)[0]
    assert grid['rows'][0][:2] == ['base', f'{100 * first.learned[0]:.1f} → {100 * first.last[0]:.1f}']
    assert grid['caption'].startswith('turned: ')


def test_a_study_without_turns_has_none(reading: Reading):
    study = dataclasses.replace(reading.study, tasks=('recall', 'digits'))
    schedule, records = simulate(study, World(), seed=1)
    assert forgetting(Reading(study, schedule, records)) == [] == forgetting_grids(Reading(study, schedule, records))


def test_arms_without_a_confirmed_run_are_left_out(reading: Reading):
    own = {trial.id for key, trials in reading.schedule.asked.items() if key[:2] == ('confirm', 'arm') for trial in trials}
    lost = Whole({key: {**row, 'status': 'diverged'} if key in own else row for key, row in reading.records.items()})
    assert [one.arm for one in forgetting(dataclasses.replace(reading, records=lost))] == ['base']
    assert forgetting(dataclasses.replace(reading, records=Whole())) == []


def test_one_replicate_has_no_interval(reading: Reading):
    first = {trial.id for key, trials in reading.schedule.asked.items() if key[-1] == 0 for trial in trials}
    some = Whole({key: row for key, row in reading.records.items() if key in first})
    told = forgetting(dataclasses.replace(reading, records=some))
    assert [one.arm for one in told] == ['base', 'arm']
    assert {(one.backward_interval, one.forward_interval) for one in told} == {(None, None)}
