"""Worlds of other metrics: their scores are curves of hidden ones, and what is planted is known in the metric's unit."""

import dataclasses
import math

import numpy as np
import pytest

from ablations.tasks.metrics import metric
from ablations.trial import TEST
from results.store.item_scores import unpacked
from results.store.records import ITEMS
from sweeps.protocol.cells import DEVIATION, FORMS, PLANTED, Cell
from sweeps.protocol.false_words import false_words
from sweeps.protocol.metric_worlds import METRIC_WORLDS, MetricWorld
from sweeps.protocol.simulate import World, simulate
from sweeps.protocol.world_studies import conclusion_of, study_of

SMALL = {'trials': 4, 'replicates': 2, 'looks': (2,), 'arms': 2}
CELLS = {**FORMS, **{f'{name}, found': cell for name, cell in PLANTED.items()}}


@pytest.mark.parametrize('name', METRIC_WORLDS)
def test_scores_are_curves_of_hidden_ones_and_tasks_have_their_metric(name):
    world = dataclasses.replace(METRIC_WORLDS[name], hills={}, on_task={'digits': {'second': -0.1}})
    hidden = World(**{field.name: getattr(world, field.name) for field in dataclasses.fields(World)} | {'on_task': {}})
    study, other = study_of(3, world, **SMALL), study_of(3, hidden, **SMALL)
    task, known = study.tasks[0], metric(study.tasks[0].metric)
    assert (task.direction, task.margin) == (known.direction, pytest.approx(world.unit * other.tasks[0].margin))
    schedule, records = simulate(study, world, 3)
    asked = [trial for trial in schedule.trials if trial.replicate == 0 and trial.phase == 'tune'][:4]
    assert len(asked) == 4
    for trial, score in zip(asked, hidden.scores(other, asked, 3), strict=True):
        planted = -0.1 if trial.arm == 'second' else 0.0
        assert records[trial.id]['score'] == pytest.approx(task.sign * (world.curve(score) + planted))
    # A diverged run scores chance, which no hill reaches.
    assert all(task.sign * task.chance < task.sign * record['score'] for record in records.values() if record['score'])
    assert world.summit('base', study.tune) == world.curve(hidden.summit('base', study.tune))
    raised = dataclasses.replace(world, top={'base': 0.25})
    assert raised.summit('base', study.tune) == pytest.approx(world.summit('base', study.tune) + 0.25)
    assert raised.worth('base', 'adamw', [0.5, 0.5]) == pytest.approx(world.worth('base', 'adamw', [0.5, 0.5]) + 0.25)
    assert world.summit('base', study.tune) >= world.worth('base', 'adamw', [0.5, 0.5])


def test_curves_rise_in_the_good_direction_by_their_unit_around_0_and_stay_in_the_range_of_the_metric():
    for name, world in METRIC_WORLDS.items():
        steps = np.array([world.curve(hidden) for hidden in np.linspace(-1.5, 2.0, 71)])
        assert (np.diff(steps) > 0).all(), name
        assert (world.curve(1e-6) - world.curve(-1e-6)) / 2e-6 == pytest.approx(world.unit, rel=1e-6)
        sign = study_of(0, world, **SMALL).tasks[0].sign
        range_of = metric(study_of(0, world, **SMALL).tasks[0].metric)
        assert range_of.low <= min(sign * steps) and max(sign * steps) <= range_of.high
    area = METRIC_WORLDS['an area'].curve
    assert area(0.5) - area(0.0) < area(0.0) - area(-0.5), 'noise cannot raise it as far as it lowers it'


def test_what_an_error_scores_on_single_examples_is_its_score_and_as_noisy():
    world = METRIC_WORLDS['bits of one fixed test split']
    study = study_of(0, world, **SMALL)
    schedule, records = simulate(study, world, 0)
    trial = next(trial for trial in schedule.trials if trial.held == TEST)
    items = unpacked(records[trial.id][ITEMS])
    assert items.mean() == pytest.approx(records[trial.id]['score'], rel=1e-5)
    assert items.std() == pytest.approx(math.hypot(world.noise * math.sqrt(world.fixed), world.liking) / math.log(2), rel=0.2)


def test_a_planted_loss_raises_an_error_by_what_the_cell_says_and_is_found():
    cell = CELLS['an error to be lowered, found']
    study = study_of(0, cell.world, **cell.fields)
    assert cell.effects(study)['third', 'digits'] == pytest.approx(-3 * DEVIATION * 40)
    world = cell.planted_world(study, {'second': 30.0})
    seen = conclusion_of(0, world, cell.fields)
    assert seen.claims == {'third': 'worse', 'second': 'better'}
    low, high = seen.intervals['third']
    assert low <= cell.effects(study)['third', 'digits'] <= high
    # The first arm is as good as the others by the cell's truth, whatever was added to its top to level it.
    assert false_words(study, cell, seen) == {'difference'}
    told = dataclasses.replace(seen, words={('third', 'digits'): ('worse', False)}, overall={})
    assert false_words(study, cell, told) == set()
    assert false_words(study, Cell('an error', cell.world, planted={'third': 3.0}), told) == {'difference'}


def test_every_kind_of_metric_has_cells_of_its_own():
    seen = {study_of(0, cell.world, **cell.fields).tasks[0].metric for cell in CELLS.values()}
    assert seen == {'accuracy', 'rmse', 'auroc', 'bits'}
    assert {type(cell.world) for cell in CELLS.values()} == {World, MetricWorld}
