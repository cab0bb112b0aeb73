"""Simulated records: they say what the world says of a trial, and a world without noise has none."""

import math

import pytest
from planned_study import STUDY

from ablations.trial import TEST
from sweeps.protocol.plan import schedule
from sweeps.protocol.simulate import World, simulate, simulated_record

QUIET = {'noise': 0.0, 'split': 0.0, 'cliff': 9.0}


def test_the_losses_of_a_record_fall_to_that_of_its_score():
    trial = schedule(STUDY, {}, {}).trials[0]
    record = simulated_record(STUDY, World(**QUIET), trial, 0)
    score = STUDY.task(trial.task).sign * record['score']
    assert record['status'] == 'ok' and record['initial_loss'] == 2.0
    assert record['final_loss'] == pytest.approx(math.exp(-score))


def test_without_liking_a_fixed_test_split_scores_all_arms_alike():
    planned, records = simulate(STUDY, World(curvature=0.0, fixed=60, **QUIET), 0)
    scores = {
        records[trial.id]['score'] for trial in planned.trials if trial.held == TEST and trial.task == STUDY.tasks[0].name
    }
    assert len({round(score, 9) for score in scores}) == 1
