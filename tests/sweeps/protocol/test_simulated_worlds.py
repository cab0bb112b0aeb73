"""Worlds with a known truth: hills fall, noise varies, and splits and families act as declared."""

import types

import numpy as np
import pytest

from ablations.trial import TEST, TUNING
from sweeps.protocol.cells import DEVIATION, FORMS, PLANTED, Cell
from sweeps.protocol.rough_worlds import ROUGH, VERY_ROUGH
from sweeps.protocol.simulate import Hill, World, simulate
from sweeps.protocol.world_studies import study_of
from sweeps.protocol.worlds import ARMS, BEYOND, FLAT, WORLDS


def test_a_hill_falls_as_declared():
    hill = Hill(
        height=1.0, optimum=(0.5, 0.25), curvature=(2.0, 4.0), skew=3.0, cliff=0.3, shift={'sgd': -0.1}, move={'sgd': 0.2}
    )
    assert hill.truth('adamw', [0.5, 0.25]) == 1.0
    assert hill.truth('adamw', [0.4, 0.25]) == pytest.approx(1 - 2 * 0.01)
    assert hill.truth('adamw', [0.6, 0.35]) == pytest.approx(1 - 2 * 0.01 * 3 - 4 * 0.01)
    assert hill.truth('adamw', [0.81, 0.25]) is None
    assert Hill(optimum=(0.5,), cliff=0.25).truth('adamw', [0.75]) == -0.0625, 'a run at the cliff itself does not diverge'
    assert hill.truth('sgd', [0.7, 0.25]) == pytest.approx(0.9)
    assert Hill(depth=0.3, curvature=100.0).truth('adamw', [0.0, 0.0]) == pytest.approx(-0.3, abs=1e-6)
    assert Hill(depth=0.3, curvature=1.2, optimum=(0.5,)).truth('adamw', [0.0]) == pytest.approx(-0.3 * (1 - np.exp(-1)))


def test_noise_is_that_of_the_world():
    world = World(hills={'second': Hill(noise=0.2, curvature=0.0, cliff=9.0)}, noise=0.05, curvature=0.0, split=0.0, cliff=9.0)
    study = study_of(0, world)
    schedule, records = simulate(study, world, 0)
    for arm, noise in (('base', 0.05), ('second', 0.2)):
        scores = [records[trial.id]['score'] for trial in schedule.trials if trial.arm == arm]
        assert np.std(scores) == pytest.approx(noise, rel=0.25)


def test_a_split_does_the_same_to_all_runs_of_a_replicate_and_suits_each_arm_on_its_own():
    calm = {'noise': 0.0, 'curvature': 0.0, 'cliff': 9.0}
    for world, alike in ((World(split=0.1, **calm), True), (World(split=0.0, suits=0.1, **calm), False)):
        study = study_of(0, world)
        schedule, records = simulate(study, world, 0)
        scores_of = {}
        for trial in schedule.trials:
            scores_of.setdefault((trial.arm, trial.replicate), set()).add(records[trial.id]['score'])
        assert all(len(scores) == 1 for scores in scores_of.values())
        by_arm = [[scores_of[arm, replicate] for replicate in range(5)] for arm in study.arms]
        assert all(len(set(map(tuple, row))) == 5 for row in by_arm)
        assert (by_arm[0] == by_arm[1]) == alike


@pytest.mark.parametrize('hill', [dict(tails=3), dict(high=0.5, fall=0.4), dict(lost=0.5), dict(near_cliff=3.0)], ids=str)
def test_rough_noise_is_as_declared(hill):
    world = World(curvature=0.0, split=0.0, cliff=2.0, **hill)
    study = study_of(0, world, trials=8)
    schedule, records = simulate(study, world, 0)
    tuned = [records[t.id] for t in schedule.trials if t.held == TUNING]
    confirmed = [records[t.id] for t in schedule.trials if t.held == TEST]
    assert all(record['status'] == 'ok' for record in tuned), 'only confirmation runs are lost'
    scores = np.array([record['score'] for record in tuned])
    if 'high' in hill:
        assert np.mean(scores < -0.2) == pytest.approx(0.5, abs=0.1)
    elif 'lost' in hill:
        assert np.mean([record['status'] == 'diverged' for record in confirmed]) == pytest.approx(0.5, abs=0.2)
    elif 'tails' in hill:
        assert np.mean(np.abs(scores) < 0.03) > 0.55, 'most noise is small, some is large'
    else:
        assert np.std(scores) == pytest.approx(0.05, rel=0.2)


def test_families_answer_a_split_alike_and_items_round():
    world = World(families={'base': 0, 'second': 0, 'third': 1}, kin=0.5, noise=0.0, curvature=0.0, split=0.0, cliff=9.0)
    study = study_of(0, world, trials=4)
    schedule, records = simulate(study, world, 0)
    first = {t.arm: records[t.id]['score'] for t in schedule.trials if t.replicate == 1}
    assert first['base'] == first['second'] != first['third']
    whole = World(height=0.9, items=360, curvature=0.0, cliff=9.0)
    schedule, records = simulate(study, whole, 0)
    assert all((360 * record['score']) % 1 == pytest.approx(0, abs=1e-9) for record in records.values())


def test_worlds_are_declared_once_and_know_their_arms():
    names = [*WORLDS, *BEYOND, *ROUGH, *VERY_ROUGH]
    assert len(set(names)) == len(names) and set(FLAT) <= set(names)
    for world in (*WORLDS.values(), *BEYOND.values(), *ROUGH.values(), *VERY_ROUGH.values()):
        assert world.about and set(world.hills) <= set(ARMS)
    for name, cell in {**FORMS, **PLANTED}.items():
        assert set(cell.planted) <= set(ARMS), name
        assert study_of(0, cell.world, **cell.fields).arms.keys() >= cell.planted.keys()


def test_values_that_act_together_cost_less_along_their_ridge():
    hill = Hill(optimum=(0.5, 0.5), ridge=0.5)
    along, across = hill.truth('adamw', [0.4, 0.4]), hill.truth('adamw', [0.4, 0.6])
    assert along == pytest.approx(-0.01) and across == pytest.approx(-0.03)
    assert hill.truth('adamw', [0.4]) == Hill(optimum=(0.5, 0.5)).truth('adamw', [0.4]), 'one value has no ridge'


def test_values_beyond_those_of_a_hill_have_its_last_curvature_and_their_best_in_the_middle():
    hill = Hill(optimum=(0.3,), curvature=(1.0, 2.0), move={'sgd': 0.1}, cliff=0.4)
    assert hill.truth('adamw', [0.3, 0.5, 0.5]) == 0.0
    assert hill.truth('adamw', [0.3, 0.6, 0.5]) == pytest.approx(-0.02) == pytest.approx(hill.truth('adamw', [0.3, 0.5, 0.4]))
    assert hill.truth('sgd', [0.4, 0.5]) == pytest.approx(0.0) and hill.truth('sgd', [0.4, 0.6]) == pytest.approx(-0.02)
    assert hill.truth('adamw', [0.69, 0.5]) is not None and hill.truth('adamw', [0.71, 0.5]) is None
    assert hill.truth('sgd', [0.79, 0.5]) is not None and hill.truth('sgd', [0.81, 0.5]) is None


@pytest.mark.parametrize(
    ('hill', 'optimizer', 'place', 'times'),
    [
        (Hill(noise=2.0), 'adamw', 0.9, 2.0),
        # A tenth before the cliff is not within a tenth of it.
        (Hill(noise=2.0, optimum=(0.5,), cliff=0.1, near_cliff=3.0), 'adamw', 0.5, 2.0),
        (Hill(noise=2.0, optimum=(0.5,), cliff=0.4, near_cliff=3.0), 'adamw', 0.85, 6.0),
        (Hill(noise=2.0, optimum=(0.5,), cliff=0.4, near_cliff=3.0), 'adamw', 0.79, 2.0),
        (Hill(noise=2.0, optimum=(0.5,), cliff=0.4, near_cliff=3.0, move={'sgd': 0.1}), 'sgd', 0.85, 2.0),
        (Hill(noise=2.0, optimum=(0.5,), cliff=0.4, near_cliff=3.0, move={'sgd': 0.1}), 'sgd', 0.95, 6.0),
    ],
)
def test_noise_grows_close_to_a_cliff(hill: Hill, optimizer: str, place: float, times: float):
    drawn = np.random.default_rng(4).standard_normal()
    assert hill.noise_of(optimizer, [place, 0.5], np.random.default_rng(4)) == pytest.approx(times * drawn)


def test_noise_of_heavy_tails_has_the_variance_of_normal_noise():
    chance = np.random.default_rng(0)
    drawn = np.array([Hill(noise=0.5, tails=8).noise_of('adamw', [0.5], chance) for _ in range(4000)])
    assert drawn.std() == pytest.approx(0.5, rel=0.08) and abs(drawn.mean()) < 0.04


def test_the_top_of_an_arm_is_that_of_its_best_optimizer_with_what_is_planted():
    world = World(height=1.0, top={'second': 0.2}, shift={'sgd': -0.1, 'lion': 0.3}, hills={'third': Hill(height=2.0)})
    tops = [world.summit(arm, ['adamw', 'sgd']) for arm in ('base', 'second', 'third')]
    assert tops == pytest.approx([1.0, 1.2, 2.0])
    assert world.summit('base', ['sgd']) == pytest.approx(0.9) and world.summit('second', world.shift) == pytest.approx(1.5)
    assert world.worth('second', 'sgd', [0.55, 0.4]) == pytest.approx(1.1)
    assert world.worth('second', 'sgd', [0.99, 0.4]) is None, 'past the cliff'


@pytest.mark.parametrize(
    ('hill', 'differs'),
    [
        ({}, 0.0),
        ({'slow': 0.2}, 0.04 - 0.0025),  # the best rate is higher by 0.15 so early
        ({'apart': 3.0}, 0.04 - 2.5 * 0.04),
        ({'apart': 3.0, 'slow': 0.2}, 0.04 - 2.5 * 0.0025),
        ({'slow': 0.2, 'move': {'adamw': 0.1}}, 0.01 - 0.0025),
        ({'apart': 3.0, 'height': 2.0, 'shift': {'adamw': 0.3}}, 0.04 - 2.5 * 0.04),  # the top itself is there at once
    ],
)
def test_a_run_that_stops_after_a_quarter_of_its_steps_is_not_yet_what_it_will_be(hill: dict, differs: float):
    program = types.SimpleNamespace(steps=20, optimizer='adamw')
    trial = types.SimpleNamespace(arm='base', until=5, program=program, id='one')
    assert World(optimum=(0.5, 0.4), **hill).early(trial, [0.7, 0.4], 0) == pytest.approx(differs)
    blurred, more = (World(optimum=(0.5, 0.4), blur=blur, **hill).early(trial, [0.7, 0.4], 0) for blur in (0.1, 0.2))
    assert more - differs == pytest.approx(2 * (blurred - differs)) and blurred != differs


def test_the_noise_of_an_early_score_is_less_the_further_a_run_has_come():
    program, world = types.SimpleNamespace(steps=20, optimizer='adamw'), World(blur=0.1)
    for until, noise in ((5, 0.075), (15, 0.025), (20, 0.0)):
        trials = [types.SimpleNamespace(arm='base', until=until, program=program, id=f'{n}') for n in range(300)]
        drawn = np.array([world.early(trial, [0.5, 0.4], 0) for trial in trials])
        assert drawn.std() == pytest.approx(noise, rel=0.15) and abs(drawn.mean()) <= 0.2 * noise


def test_what_is_planted_in_a_cell_is_known_against_what_each_arm_is_compared_with():
    planted = {'second': 2.0, 'third': (1.0, -1.0)}
    cell = Cell('plain', World(top={'fourth': 0.5}), {'tasks': 2, 'arms': 4}, planted=planted)
    study = study_of(0, cell.world, **cell.fields)
    effects = {key: effect / DEVIATION for key, effect in cell.effects(study).items() if effect}
    both = ('digits', 'digits_2')
    assert effects == pytest.approx(
        {**{('second', task): 2.0 for task in both}, ('third', both[0]): 1.0, ('third', both[1]): -1.0}
    )
    world = cell.planted_world(study, {'second': 0.25, 'fourth': 0.25})
    assert world.top == {'second': 0.25, 'fourth': 0.75}
    assert world.on_task['digits_2'] == pytest.approx({'second': 2 * DEVIATION, 'third': -DEVIATION})
    path = study_of(0, cell.world, **cell.fields, shape='path')
    against = {arm: path.reference(arm) for arm in path.arms}
    assert against == {'base': 'base', 'second': 'base', 'third': 'second', 'fourth': 'third'}
    for (arm, task), effect in cell.effects(path).items():
        place = both.index(task)
        assert effect == pytest.approx(cell.effect(arm, place) - cell.effect(against[arm], place))


@pytest.mark.parametrize(('fields', 'arm'), [({}, 'third'), ({'arms': 3}, 'third'), ({'arms': 2}, 'second')])
def test_a_planted_loss_is_in_an_arm_that_the_study_has(fields: dict, arm: str):
    lost = Cell('plain', World(), fields, promised=False).with_a_loss()
    assert lost.planted == {arm: -3.0} and lost.fields == fields and not lost.promised
