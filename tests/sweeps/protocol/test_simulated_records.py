"""Simulated records: they say what the world says of a trial, and a world without noise has none."""

import dataclasses
import math

import numpy as np
import pytest
from planned_study import STUDY

from ablations.config import swap
from ablations.spaces import log
from ablations.trial import TEST
from results.store.item_scores import unpacked
from sweeps.protocol.plan import schedule
from sweeps.protocol.simulate import World, simulate, simulated_record

TANH = swap('norm', 'dynamic_tanh')
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


def test_records_say_all_that_a_reader_asks_for_and_no_more():
    planned, _ = simulate(STUDY, World(cliff=2.0), 0)
    tuned = next(trial for trial in planned.trials if trial.task == 'stdlib_bytes' and trial.phase == 'tune')
    confirmed = next(trial for trial in planned.trials if trial.task == 'digits' and trial.held == TEST)
    about = {'n_held': 1000, 'initial_loss': 2.0, 'environment': {'source': 'simulated'}}
    whole = {**about, 'status': 'ok', 'score_se': 0.0}
    made = simulated_record(STUDY, World(cliff=2.0), tuned, 0)
    score = -made['score']
    assert made == {**whole, 'id': tuned.id, 'held': 'tuning', 'score': -score, 'final_loss': math.exp(-score)}
    lost = simulated_record(STUDY, World(cliff=-9.0), tuned, 0)
    assert lost == {**whole, 'id': tuned.id, 'status': 'diverged', 'held': 'tuning', 'score': None, 'final_loss': None}
    fixed = simulated_record(STUDY, World(cliff=2.0, fixed=40), confirmed, 0)
    items = fixed.pop('item_scores')
    assert fixed == {
        **whole,
        'id': confirmed.id,
        'held': 'test',
        'score': fixed['score'],
        'final_loss': math.exp(-fixed['score']),
    }
    assert unpacked(items).mean() == pytest.approx(fixed['score'], rel=1e-5) and len(unpacked(items)) == 40
    assert 'item_scores' not in simulated_record(STUDY, World(cliff=2.0, fixed=40), tuned, 0)
    assert 'item_scores' not in simulated_record(STUDY, World(cliff=-9.0, fixed=40), confirmed, 0)
    stop = tuned.up_to(0.5)
    made = simulated_record(STUDY, World(cliff=2.0), stop, 0)
    score = -made['score_until']
    said = {'id': stop.id, 'status': 'stopped', 'held': 'tuning', 'until': stop.until, 'score': None, 'score_until': -score}
    assert made == {**about, **said, 'final_loss': math.exp(-score)}


@pytest.mark.parametrize(('height', 'share'), [(-3.0, 0.0), (0.5, 0.5), (4.0, 1.0)])
def test_a_share_of_right_items_lies_between_none_and_all(height: float, share: float):
    world = World(height=height, items=200, curvature=0.0, **QUIET)
    trials = [trial for trial in schedule(STUDY, {}, {}).trials if trial.task == 'digits']
    scores = [simulated_record(STUDY, world, trial, 0)['score'] for trial in trials]
    assert np.mean(scores) == pytest.approx(share, abs=0.02) and (len(set(scores)) == 1) == (share in (0, 1))
    assert all((200 * score) % 1 == pytest.approx(0, abs=1e-9) for score in scores)


def test_at_the_recipe_of_the_base_what_an_arm_alone_tunes_stands_in_the_middle():
    study = dataclasses.replace(STUDY, own={'other': {'alpha0': log(0.1, 2.0)}}, arms={**STUDY.arms, 'other': TANH})
    world = World(optimum=(0.5, 0.5, 0.25), **QUIET)
    planned, records = simulate(study, world, 0)
    trial = planned.asked['share', 'other', 'digits', 0][0]
    space = study.space('other', 'adamw')
    place = [space[name].unit(value) for name, value in dict(trial.knobs).items()]
    assert len(place) == 2 and len(space) == 3
    assert records[trial.id]['score'] == pytest.approx(world.worth('other', 'adamw', [*place, 0.5]))
