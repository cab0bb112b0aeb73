"""The lab's own sides: what they train on, what they share with others, and what they tell; the training counts its steps."""

import types
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import machine
from benchmarks.body import body_of
from benchmarks.sides import lab, lab_lanes, one_trial
from sweeps.tasks.digits import Digits

SMALL = {'width': 4, 'batch': 2}


class Tree(dict):
    def tree(self):
        return self


def begin(lane, x):
    assert len(x) == 1
    return {'params': Tree(head={'kernel': jnp.ones((2, 3)), 'bias': jnp.zeros(3)}), 'total': jnp.float32(0)}


def advance(lane, carry, pool, origin, first, stop):
    """The loss of a step is its number and a hundredth of the first pixel of its batch's first image."""
    pixel = pool['x'][lane['order'][first]].ravel()[0]
    return {**carry, 'total': carry['total'] + first + stop / 10 + pixel / 100}


@pytest.fixture
def side(monkeypatch):
    asked = []

    def make_training(model, task, optimizer, steps, batch, evaluations):
        asked.append((type(task), optimizer, steps, batch, evaluations))
        return types.SimpleNamespace(
            begin=lambda lane, x: {'params': {'w': jnp.ones(5)}, 'total': jnp.float32(0)}, advance=advance
        )

    monkeypatch.setattr(lab, 'make_training', make_training)
    monkeypatch.setattr(lab, 'build', lambda config: None)
    made = lab.Lab('digits', SMALL, 3)
    made.asked = asked
    return made


def test_both_sides_learn_from_the_pool(side):
    pool = body_of('digits', SMALL).task.pool()
    lanes = lab_lanes.Lanes('digits', SMALL)
    for made in (side, lanes):
        assert (np.asarray(made.pool['x']) == pool.x).all() and (np.asarray(made.pool['y']) == pool.y).all()
    one, other = lanes._lanes(2)['order']
    assert one.shape == (lab_lanes.STEPS, 2) and (one != other).any() and set(one.ravel()) <= set(range(len(pool.x)))
    assert lanes._lanes(2)['seed'].tolist() == [0, 1]
    assert {name: own.tolist() for name, own in lanes._lanes(2)['knobs'].items()} == {
        name: pytest.approx([value] * 2) for name, value in lab.KNOBS.items()
    }


def test_lanes_train_as_the_lab_does(monkeypatch):
    asked = []
    monkeypatch.setattr(lab_lanes, 'make_training', lambda model, *given: asked.append(given))
    lab_lanes.Lanes('digits', SMALL)
    ((task, *given),) = asked
    assert isinstance(task, Digits) and given == ['adamw', lab_lanes.STEPS, 2, 1]


def test_the_lab_trains_a_schedule_and_shares_how_it_began(side, tmp_path: Path, monkeypatch):
    assert side.asked == [(Digits, 'adamw', 3, 2, 1)]
    told = side.losses(3)
    order = side.lane['order']
    firsts = [float(np.asarray(side.pool['x'])[order[step, 0]].ravel()[0]) for step in range(3)]
    assert told['losses'] == pytest.approx([step + (step + 1) / 10 + firsts[step] / 100 for step in range(3)], abs=0.02)
    assert told['compile_s'] > 0 and float(side.carry['total']) == pytest.approx(told['losses'][-1])
    cpu, wall = side.train(7)
    assert float(side.carry['total']) == pytest.approx(told['losses'][-1] + 0.7 + firsts[0] / 100, abs=0.02) and wall > 0 <= cpu
    monkeypatch.setattr(lab, 'peak_gflops', lambda rounds: 10.0 * rounds)
    monkeypatch.setattr(lab, 'multiply_adds', lambda config, x: x.size)
    assert side.about() == {'peak_gflops': 50.0, 'flops': 6 * 2 * 64, 'parameters': 5}
    monkeypatch.setattr(lab, 'timed', lambda text, run: run() and [('norms', 'a', 8000.0)])
    assert side.profile(4)['norms'] == 2.0
    side.begin = begin
    side.share(str(tmp_path / 'shared.npz'))
    shared = np.load(tmp_path / 'shared.npz')
    assert set(shared.files) == {'x', 'y', 'order', 'params/head/kernel', 'params/head/bias'}
    assert shared['order'].shape == (3, 2) and (shared['order'] == order).all() and shared['params/head/kernel'].shape == (2, 3)


def test_one_trial_is_trained_on_its_split_and_scored_in_the_end(monkeypatch):
    asked = []

    class Population:
        def __init__(self, training, strategy):
            asked.append((training, strategy))

        def run(self, lanes, pool, held):
            asked.append((lanes, len(pool['x']), len(held['x'])))
            return [({'curve': {'score': [0.25, 0.5]}}, None)]

    monkeypatch.setattr(one_trial, 'make_training', lambda *given: given[2:])
    monkeypatch.setattr(one_trial, 'build', lambda config: config)
    monkeypatch.setattr(one_trial, 'Population', Population)
    assert one_trial.train({'a': 'model'}, 4, 8, 3) == 0.5
    (training, strategy), ((lane,), pool, held) = asked
    assert (training, strategy) == (('adamw', 4, 8, 1), one_trial.strategy_for('cpu')) and held == Digits().held
    assert lane['seed'] == 3 and lane['order'].shape == (4, 8) and lane['order'].max() < pool == len(Digits().pool().x)
    assert {name: float(own) for name, own in lane['knobs'].items()} == pytest.approx(lab.KNOBS)


def test_the_machine_tells_what_it_is(monkeypatch, tmp_path: Path):
    told = tmp_path / 'cpuinfo'
    told.write_text('processor: 0\nmodel name\t: An Abacus: 7 rods \nmodel name: none\n')
    monkeypatch.setattr(machine, 'Path', lambda name: told)
    assert machine.processor() == 'An Abacus: 7 rods'
    monkeypatch.setattr(machine, 'peak_gflops', lambda rounds: rounds + 0.25)
    monkeypatch.setattr(machine.os, 'getloadavg', lambda: (1.26, 5.0, 6.0))
    about = machine.machine(5)
    assert about['load'] == 1.3 and about['peak_gflops'] == 5.2 and about['cores'] == machine.cores()
    assert set(about['versions']) == {'jax', 'jaxlib'} and about['python'].count('.') == 2 and about['device']
    told.unlink()
    monkeypatch.setattr(machine.platform, 'processor', lambda: 'another')
    assert machine.processor() == 'another'
