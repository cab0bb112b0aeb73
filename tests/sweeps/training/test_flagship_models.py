"""Models of flagships: they build, and those that are said to be as large as each other are."""

import itertools
import re
from pathlib import Path

import pytest

from ablations.flagships import FLAGSHIPS, RUNG_STUDIES, flagship, rung_study
from ablations.study import Study
from sweeps.commands import reaches_of
from sweeps.training.preflight import preflight

EQUAL = {'shared_keys': 'params', 'mixers_by_language': 'params', 'gates_and_activations': 'params', 'experts_or_dense': 'macs'}
"""What the arms of a flagship are said to have as much of."""
ALL = {'gates_and_activations': ('gelu_gate', 'silu_gate', 'relu_gate')}
"""The arms of which it is said, where not of all."""


def costs_of(study: Study, pairs: list[tuple]) -> dict:
    programs = [study.program(arm, task.name, optimizer) for arm, task in pairs for optimizer in study.optimizers_of(arm)]
    metrics = {task.name: [task.metric, task.direction] for task in study.tasks}
    return preflight(programs, reaches_of(study), metrics, study.blocks)


FAST = ('road_to_convnext', 'residual_rules')
"""Flagships whose smallest rung is built in the fast tests: a path of many swaps, and models of several streams."""


@pytest.mark.parametrize('name', [pytest.param(name, marks=() if name in FAST else pytest.mark.slow) for name in FLAGSHIPS])
def test_the_smallest_rung_builds(name):
    """Its base and its last arm, on one task."""
    study = next(iter(flagship(name).studies.values()))
    arms = list(study.arms)
    costs = costs_of(study, [(arm, study.tasks[0]) for arm in (arms[0], arms[-1])])
    assert all(costs[arm][study.tasks[0].name]['params'] > 0 for arm in (arms[0], arms[-1]))


@pytest.mark.slow
@pytest.mark.parametrize('name', RUNG_STUDIES)
def test_every_arm_builds_on_every_task(name):
    study = rung_study(name)
    assert costs_of(study, list(itertools.product(study.arms, study.tasks)))


@pytest.mark.parametrize(
    ('name', 'rung'),
    [
        pytest.param(name, rung, marks=() if (name, rung) == ('shared_keys', 'small') else pytest.mark.slow)
        for name in EQUAL
        for rung in FLAGSHIPS[name]
    ],
)
def test_arms_are_as_large_as_is_said(name, rung):
    study = flagship(name).study(rung)
    arms = [study.base, *ALL.get(name, list(study.arms)[1:])]
    task = study.tasks[0]
    sizes = {arm: costs_of(study, [(arm, task)])[arm][task.name][EQUAL[name]] for arm in arms}
    # A router's products are not the dense layer's, latent keys turn in channels of their own, and a channel is not divided.
    assert max(sizes.values()) / min(sizes.values()) < (1.03 if EQUAL[name] == 'macs' else 1.02), sizes


def foreseen() -> dict[str, tuple[int, str]]:
    """Study -> its runs and PFLOP, as docs/flagships.md has them."""
    page = (Path(__file__).parents[3] / 'docs' / 'flagships.md').read_text()
    rows = re.findall(r'^\| (\w+) \| [^|]* million \| [^|]* \| ([\d,]+) \| ([\d.]+) \|', page, re.M)
    return {name: (int(runs.replace(',', '')), flops) for name, runs, flops in rows}


@pytest.mark.parametrize(
    'name', [pytest.param(name, marks=() if name == 'shared_keys_small' else pytest.mark.slow) for name in RUNG_STUDIES]
)
def test_what_a_rung_costs_is_as_the_page_says(name):
    study = rung_study(name)
    pairs = list(itertools.product(study.arms, study.tasks))
    costs = costs_of(study, pairs)
    runs, flops = 0, 0.0
    for arm, task in pairs:
        shared = study.seeds if study.is_shared(arm) and arm != study.base else 0
        own = study.replicates * (study.trials * len(study.optimizers_of(arm)) + study.seeds + shared)
        runs, flops = runs + own, flops + own * task.steps * costs[arm][task.name]['flops'] / 1e15
    assert foreseen()[name] == (runs, f'{flops:.3g}')


def test_every_rung_is_costed():
    assert list(foreseen()) == list(RUNG_STUDIES)
