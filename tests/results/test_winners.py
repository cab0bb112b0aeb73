"""Winners: the first arm by own recipes, by the base's, and by the best trial of one tuning."""

import dataclasses

import pytest
from simulated_study import data, read, study_of

from results.winners import Winners, winners


@pytest.fixture(scope='module')
def simulated():
    """A study in which no_mixer is the best by far, and one in which nothing is."""
    study = study_of('one_swap', share=True)
    return {name: read(*data(study, tops))[0] for name, tops in (('clear', {'no_mixer': 0.5}), ('even', {}))}


def test_a_clear_winner_wins_by_all_three(simulated):
    for one in winners(simulated['clear']):
        assert (one.own, one.shared, one.by_trial) == ('no_mixer', 'no_mixer', (('no_mixer', 3),))
        assert (one.tunings, one.other_by_trial) == (3, 0)


def test_where_nothing_is_better_the_best_trial_is_luck(simulated):
    made = winners(simulated['even'])
    assert [one.task for one in made] == ['digits', 'stdlib_bytes'] and all(one.tunings == 3 for one in made)
    assert sum(one.other_by_trial for one in made) > 0, 'the best of many trials is another arm than the confirmed one'


def test_without_shared_runs_there_is_no_shared_winner():
    study = study_of('one_swap', share=False)
    assert all(one.shared is None for one in winners(read(*data(study, {}))[0]))


def test_until_all_arms_are_confirmed_nobody_wins():
    study = dataclasses.replace(study_of('one_swap', share=False), tasks=study_of('one_swap').tasks[:1])
    assert winners(read(*data(study, {}, share=0.6))[0]) == []


def test_runs_that_diverged_lower_no_mean_and_an_arm_of_such_alone_leaves_the_task_without_winners():
    study = study_of('one_swap', share=True)
    reading = read(*data(study, {'no_mixer': 0.5}))[0]
    keys = {trial.id for trial in reading.schedule.asked['confirm', 'no_mixer', 'digits', 0]}
    lost = {**reading.records[next(iter(keys))], 'status': 'diverged', 'score': None}

    def without(gone: set) -> list:
        records = {key: lost if key in gone else record for key, record in reading.records.items()}
        return winners(dataclasses.replace(reading, records=records))

    assert [one.own for one in without(keys)] == ['no_mixer', 'no_mixer']
    all_runs = {trial.id for r in range(3) for trial in reading.schedule.asked['confirm', 'no_mixer', 'digits', r]}
    assert [one.task for one in without(all_runs)] == ['stdlib_bytes']


def test_other_winners_by_trial_are_counted():
    one = Winners('digits', 'a', None, (('b', 2), ('a', 1), ('c', 1)))
    assert (one.tunings, one.other_by_trial) == (4, 3)
