"""The probes of the lab: synthetic tasks that each ask for one ability, as fields of `Task` by name.

Each has a difficulty at which its small base learns it within a minute on one core. What they are and what is reached
stands in the docstrings of their kinds in sweeps/tasks.
"""

import math

from ablations.tasks import bases

ATTENTION = {'kind': 'attention', 'heads': 2, 'biases': 'needed'}
CONVOLUTION = {'kind': 'depthwise_conv', 'kernel': 5, 'bias': True}


def _decoder(vocabulary: int, length: int, width: int = 32, depth: int = 2, outputs: int = 0, mixer: dict = ATTENTION) -> dict:
    base = bases.decoder(vocabulary, length=length, width=width, depth=depth, mixer=mixer, ratio=2.0)
    return {**base, 'head': {**base['head'], 'outputs': outputs or vocabulary}}


def _answers(dataset: str, base: dict, chance: float, steps: int, batch: int = 64, unit: str = 'answers', **data) -> dict:
    return {
        'dataset': dataset,
        'domain': 'synthetic sequences',
        'metric': 'accuracy',
        'unit': f'share of {unit}',
        'direction': 'higher',
        'chance': chance,
        'margin': 0.02,
        'steps': steps,
        'batch': batch,
        'evaluations': 4,
        'data': {'kind': dataset, **data},
        'base': base,
    }


def _language(dataset: str, base: dict, unit: str, steps: int, batch: int = 64, **data) -> dict:
    scored = {'metric': 'bits', 'unit': unit, 'direction': 'lower', 'margin': 0.01, 'domain': 'symbols'}
    chance = math.log2(base['stem']['vocabulary'])
    return {**_answers(dataset, base, chance, steps, batch, **data), **scored}


PROBES = {
    'induction': _answers('induction', _decoder(16, 14), 1 / 16, steps=1000, tokens=16, length=10, asked=4),
    'selective_copying': _answers(
        'selective_copying', _decoder(10, 20), 1 / 8, steps=1000, tokens=8, length=16, copies=4, noise=1
    ),
    'compression': _answers('compression', _decoder(5, 17, outputs=64), 1 / 4, steps=1000, unit='tokens', tokens=4, length=16),
    'fuzzy_recall': _answers('fuzzy_recall', _decoder(13, 23), 1 / 4, steps=2000, pairs=3, keys=8, values=4, longest=2),
    'modular_addition': _answers(
        'modular_addition', _decoder(60, 3, width=64, depth=1), 1 / 59, steps=4000, batch=256, modulus=59, mirrors='together'
    ),
    'parity': {
        **_answers('state_tracking', _decoder(2, 16), 1 / 2, steps=1000, group='z2', length=16, asked='every'),
        'dataset': 'parity',
    },
    'state_tracking': _answers('state_tracking', _decoder(6, 8), 1 / 6, steps=2000, group='s3', length=8, asked='every'),
    'arithmetic': _language(
        'arithmetic', _decoder(14, 10), 'bits per character', steps=3000, operation='+', digits=2, order='reversed'
    ),
    'arithmetic_answers': {
        **_answers(
            'arithmetic_answers', _decoder(14, 10), 1 / 10, steps=1000, unit='digits', operation='+', digits=2, order='reversed'
        ),
        'dataset': 'arithmetic',
        'domain': 'symbols',
    },
    'regular_language': _language(
        'regular_language',
        _decoder(4, 32, mixer=CONVOLUTION),
        'bits per symbol',
        1000,
        batch=32,
        language='random',
        states=8,
        symbols=4,
        length=32,
    ),
}
