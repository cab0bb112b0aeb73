"""Budgets: whatever the world, each replicate of every arm is tuned with the same number of trials, steps and examples."""

import functools

import numpy as np
import pytest

from ablations.config import swap
from ablations.spaces import linear, log
from ablations.study import Study
from ablations.tasks import TASKS, task
from ablations.trial import TUNING
from sweeps.protocol.plan import schedule
from sweeps.protocol.simulate import World, simulate

SPACES = {
    'adamw': {'lr': log(1e-3, 5e-2), 'weight_decay': log(1e-3, 1.0)},
    'sgd': {'lr': log(3e-2, 3.0), 'momentum': linear(0.5, 0.95), 'weight_decay': log(1e-5, 1e-2)},
    'lion': {'lr': log(1e-5, 3e-3)},
}
STUDIES = 32


def drawn(seed: int) -> tuple[Study, World]:
    """A study and a world drawn at random: arms that differ, optima anywhere, outside the ranges too."""
    generator = np.random.default_rng(seed)
    arms = ['base', *(f'arm_{i}' for i in range(generator.integers(1, 5)))]
    names = generator.permutation(list(TASKS))[: generator.integers(1, 3)]
    replicates = int(generator.integers(1, 5))
    looks = (1, replicates) if replicates > 1 and generator.random() < 0.3 else ()
    study = Study(
        name=f'drawn_{seed}',
        question='Are budgets equal?',
        arms={arm: () if arm == 'base' else swap('norm', 'rms_norm') for arm in arms},
        tasks=tuple(
            task(str(name), steps=2 * int(generator.integers(1, 99)), evaluations=2, batch=int(generator.integers(1, 99)))
            for name in names
        ),
        tune={
            optimizer: SPACES[optimizer]
            for optimizer in generator.permutation(list(SPACES))[: generator.integers(1, 4)].tolist()
        },
        trials=int(generator.integers(1, 20)),
        extension=int(generator.integers(0, 6)),
        replicates=replicates,
        seeds=int(generator.integers(1, 3)),
        looks=looks,
        base_factor=1 + seed % 3 // 2,
        search=('sobol', 'random', 'grid')[seed % 5 % 3],
    )
    world = World(
        top={arm: float(generator.normal(0, 0.5)) for arm in arms},
        optimum=tuple(generator.uniform(-0.6, 1.6, 2)),
        curvature=float(generator.choice([0.1, 1.0, 5.0])),
        noise=float(generator.choice([0.01, 0.05, 0.2])),
        cliff=float(generator.choice([-2.0, 0.1, 0.4, 2.0], p=[0.1, 0.3, 0.3, 0.3])),
        shift={optimizer: float(generator.normal(0, 0.3)) for optimizer in SPACES},
    )
    return study, world


@functools.cache
def simulated(seed: int) -> tuple:
    study, world = drawn(seed)
    return study, *simulate(study, world, seed)


FAST = 15
"""As many drawn studies have every base factor with every search; the others are slow."""


@pytest.mark.parametrize('seed', [*range(FAST), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(FAST, STUDIES))])
def test_every_replicate_of_every_arm_has_the_same_tuning_budget(seed):
    study, planned, records = simulated(seed)
    for item in study.tasks:
        # Counted from the trials themselves, not from what the planner says of them.
        counted, each, each_replicate = {}, set(), set()
        for arm in study.arms:
            tuned = [t for t in planned.trials if (t.arm, t.task, t.held) == (arm, item.name, TUNING)]
            assert all(trial.id in records for trial in tuned)
            assert all((t.program.steps, t.program.batch) == (item.steps, item.batch) for t in tuned)
            steps = sum(t.program.steps for t in tuned)
            counted[arm] = {
                'trials': len(tuned),
                'steps': steps,
                'examples': sum(t.program.steps * t.program.batch for t in tuned),
            }
            budget = planned.budgets[arm, item.name]
            assert {name: budget[name] for name in counted[arm]} == counted[arm]
            # An arm that a look decided, such as by its divergence, takes no part in later ones.
            replicates = study.count(arm, planned.reached(arm, item.name, study.looks))
            whole = planned.look == study.replicates and planned.takes_part(arm, item.name, study.replicates)
            assert replicates == study.count(arm, study.replicates) if whole else study.looks
            each_replicate.add(tuple(value / replicates for value in counted[arm].values()))
            assert {t.replicate for t in tuned} == set(range(replicates))
            for replicate in range(replicates):
                own = [t.program.optimizer for t in tuned if t.replicate == replicate]
                each.add(tuple(own.count(optimizer) for optimizer in study.tune))
                assert len(planned.asked['confirm', arm, item.name, replicate]) in (0, study.seeds)
        assert len(each) == 1 and min(each.pop()) >= study.trials
        assert len(each_replicate) == 1


def test_the_draws_above_hold_what_matters():
    """Else the test above says little."""
    rounds = [own for seed in range(FAST) for of in simulated(seed)[1].extended.values() for own in of.values()]
    assert {sum(map(bool, own)) for own in rounds} == {1, 2}
    assert {len(own) for own in rounds} == {1, 2}
    drawn_ones = {(study.search, study.base_factor) for study, _ in map(drawn, range(FAST))}
    assert len(drawn_ones) == 6


def test_flops_are_counted_where_costs_are_known():
    study, _ = drawn(1)
    costs = {arm: {item.name: {'flops': 7} for item in study.tasks} for arm in study.arms}
    for budget in schedule(study, {}, {'costs': costs}).budgets.values():
        assert budget['flops'] == 7 * budget['steps']
    assert all(budget['flops'] is None for budget in schedule(study, {}, {}).budgets.values())
