"""What is planned and concluded in studies of many sorts, with made-up scores: tests/golden/conclusions_*.txt."""

import collections
import dataclasses
import json

import golden_texts
import numpy as np
import pytest
from simulated_study import RMS, TANH, TOPS, data, study_of

from ablations.spaces import choice, linear, log
from ablations.study import Study

ADAMW = {'lr': log(1e-3, 1e-1), 'weight_decay': log(1e-3, 1.0)}
ARMS = {'base': (), 'rms': RMS, 'tanh': TANH}
ONE = {'arms': ARMS, 'tasks': ('digits',), 'tune': {'adamw': ADAMW}}
SORTS = {
    'plain': {},
    'extended': {'extension': 4, 'trials': 10},
    'wide': {'trials': 10, 'extension': 4, 'tune': {'adamw': {**ADAMW, 'lr': log(3e-2, 1e-1)}}},
    'two_optimizers': {'tune': {'adamw': ADAMW, 'sgd': ADAMW}},
    'screened': {'tune': {'adamw': ADAMW, 'sgd': ADAMW}, 'trials': 8, 'screening': 4},
    'own_optimizers': {
        'tune': {'adamw': ADAMW, 'sgd': ADAMW},
        'optimizers': {'base': ('adamw',), 'rms': ('adamw',), 'tanh': ('sgd',)},
    },
    'shared': {'share': True, 'base_factor': 2},
    'same_recipe': {'recipe': 'same'},
    'looks': {'replicates': 5, 'looks': (2, 3, 5), 'shares': (0.2, 0.3, 0.5), 'trials': 5},
    'halved': {'halvings': (0.25, 0.5)},
    'random': {'search': 'random', 'alpha': 0.2},
    'grid': {'search': 'grid', 'trials': 9},
    'kinds_of_values': {'tune': {'adamw': {**ADAMW, 'b1': linear(0.5, 0.9), 'warmup': choice(0.0, 0.1)}}, 'trials': 12},
    'own_values': {'own': {'rms': {'b2': linear(0.9, 0.99)}}, 'fixed': {'b1': 0.8}, 'arm_fixed': {'tanh': {'clip': 1.0}}},
    'batches': {'tune': {'adamw': {**ADAMW, 'batch': choice(32, 64)}}},
    'against': {'against': {'tanh': 'rms'}},
    'unshared': {'share': False},
    'computed': {'budget': 'compute'},
}


def number(value: object) -> object:
    return f'{value:#.4g}' if isinstance(value, float) else value


def planned(study: Study, trials: list) -> list[str]:
    """How many trials of each sort there are, their steps, and where their values lie on average."""
    sorts = collections.defaultdict(list)
    for trial in trials:
        sorts[trial.phase, trial.arm, trial.program.optimizer, trial.held].append(trial)
    lines = []
    for key, own in sorts.items():
        values = collections.defaultdict(list)
        for trial in own:
            for name, value in dict(trial.knobs).items():
                values[name].append(value)
        means = {name: f'{float(np.mean(all_values)):#.3g}' for name, all_values in values.items()}
        steps = sorted({(trial.program.steps, trial.until) for trial in own})
        seeds = len({trial.seed for trial in own})
        lines.append(f'{" ".join(key)}: {len(own)} of {len({t.replicate for t in own})}, {seeds} seeds, steps {steps}, {means}')
    return lines


@pytest.mark.parametrize('sort', SORTS)
def test_conclusions_are_what_they_were(sort: str):
    study = study_of('one_swap', **{**ONE, 'replicates': 3, 'trials': 6, 'seeds': 2, **SORTS[sort]})
    lines = []
    for share, cliff in ((1.0, 0.85), (0.7, 0.85)):
        _, schedule, _, _, findings = data(study, TOPS, cliff, share)
        lines += [f'{share} recorded, look {schedule.look}, complete {schedule.complete}', *planned(study, schedule.trials)]
        for one in findings:
            known = {name: value for name, value in dataclasses.asdict(one).items() if value not in (None, (), '')}
            told = {name: [*map(number, value)] if isinstance(value, tuple) else number(value) for name, value in known.items()}
            lines += [f'{one.task} {one.arm}', *(f'  {name} {json.dumps(value)}' for name, value in told.items())]
    golden_texts.hold(f'conclusions_{sort}', '\n'.join(lines))
