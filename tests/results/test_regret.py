"""Regret: which replicates can be judged by the others, and which are left out."""

import dataclasses
import math

import numpy as np
import pytest

from ablations.study import Study
from results.regret import Regret, losses_of_half, regrets
from results.store.reading import Reading
from sweeps.protocol.simulate import World, simulate

STUDY = Study(name='judged', question='?', arms={'base': (), 'arm': ()}, tasks=('digits',), trials=8, replicates=3, extension=0)
SCHEDULE, RECORDS = simulate(STUDY, World(noise=0.02, cliff=2.0), seed=1)


def reading(changes: dict | None = None, study: Study = STUDY, **parts: object) -> Reading:
    return Reading(study, dataclasses.replace(SCHEDULE, **parts), {**RECORDS, **(changes or {})})


def diverged(*keys: tuple, skip: int = 0) -> dict:
    """The tuning runs of some (arm, replicate) as diverged ones, but for the first few."""
    trials = [trial for arm, replicate in keys for trial in SCHEDULE.asked['tune', arm, 'digits', replicate][skip:]]
    return {trial.id: {**RECORDS[trial.id], 'status': 'diverged', 'score': None} for trial in trials}


def test_every_arm_and_replicate_counts_and_the_gain_is_what_the_best_trial_loses_more():
    (one,) = regrets(reading())
    assert (one.task, one.metric, one.cases) == ('digits', 'accuracy', 6) and isinstance(one, Regret)
    assert one.gain == pytest.approx(one.best_trial - one.selected) and one.interval[0] < one.gain < one.interval[1]
    assert regrets(reading(selections={})) == []
    some = {key: point for key, point in SCHEDULE.selections.items() if key[2] == 0}
    (first,) = regrets(reading(selections=some))
    assert first.cases == 2 and first.interval is None


@pytest.mark.parametrize(
    ('changes', 'cases'),
    [
        ({}, 6),
        # Of one arm nothing is left of the others to judge by: no trial, or too few for a surface.
        (diverged(('arm', 1), ('arm', 2)), 3),
        (diverged(('arm', 1), ('arm', 2), skip=1), 3 + 2),
        (diverged(('arm', 0), ('arm', 1), ('arm', 2)), 3),
    ],
)
def test_what_the_others_cannot_judge_is_left_out(changes, cases):
    (one,) = regrets(reading(changes))
    assert one.cases == cases and all(math.isfinite(value) for value in (one.selected, one.best_trial, one.gain))


def test_a_replicate_whose_best_trial_has_another_optimizer_is_left_out():
    space = STUDY.tune['adamw']
    study = dataclasses.replace(STUDY, tune={'adamw': space, 'sgd': space})
    schedule, records = simulate(study, World(noise=0.02, cliff=2.0), seed=1)
    agree = 0
    for arm in study.arms:
        for replicate in range(3):
            scores = {t.program.optimizer: [] for t in schedule.asked['tune', arm, 'digits', replicate]}
            for trial in schedule.asked['tune', arm, 'digits', replicate]:
                scores[trial.program.optimizer].append(records[trial.id]['score'])
            top = max(scores, key=lambda name: max(scores[name]))
            agree += top == schedule.selections[arm, 'digits', replicate].optimizer
    made = regrets(Reading(study, schedule, records))
    assert sum(one.cases for one in made) == agree


def test_an_unfinished_tuning_is_judged_by_none_and_judges_none():
    gone = SCHEDULE.asked['tune', 'arm', 'digits', 2][0].id
    some = {key: record for key, record in RECORDS.items() if key != gone}
    (one,) = regrets(dataclasses.replace(reading(), records=some))
    assert one.cases == 5


def test_what_half_of_a_tuning_loses_is_unknown_where_it_selects_nothing():
    whole = losses_of_half(reading())['digits']
    assert whole is not None and whole >= 0
    halves = {}
    for arm in STUDY.arms:
        for replicate in range(3):
            first = SCHEDULE.asked['tune', arm, 'digits', replicate][:4]
            halves |= {trial.id: {**RECORDS[trial.id], 'status': 'diverged', 'score': None} for trial in first}
    assert losses_of_half(reading(halves)) == {'digits': None}
    others = diverged(*((arm, replicate) for arm in STUDY.arms for replicate in (1, 2)))
    assert losses_of_half(reading(others)) == {'digits': None}, 'no replicate is left to judge the first one'
    assert losses_of_half(reading(selections={})) == {'digits': None}
    assert np.isfinite(losses_of_half(reading(diverged(('arm', 0))))['digits'])
