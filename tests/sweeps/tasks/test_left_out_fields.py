"""Fields that the data of tasks leave out stay as they are: no trial's address holds them (tests/test_left_out.py)."""

import dataclasses

from sweeps.tasks import TASKS
from sweeps.tasks.simulators import SIMULATORS
from sweeps.tasks.trajectories import MOTIONS

TRACKED = {
    'motion': {'kind': 'pendulums'},
    'events': 32,
    'bits': 8,
    'noise': 0.5,
    'control': '',
    'train': 8192,
    'held': 512,
}
TASK_KINDS = {
    'digits': {'train': 1077, 'held': 360, 'quarter_turns': 0},
    'stdlib_bytes': {'length': 64, 'train': 8192, 'held': 512, 'taught': 0},
    'recall': {'train': 8192, 'held': 512, 'pairs': 4, 'keys': 16, 'values': 8},
    'images': {'dataset': 'fashion_mnist', 'train': 0, 'held': 5000, 'augment': (), 'border': 0},
    'pixels': {'dataset': 'digits', 'size': 0, 'train': 0, 'held': 256},
    'samples': {'dataset': 'spoken_digits', 'rate': 0, 'length': 256, 'train': 0, 'held': 1024},
    'series': {'dataset': 'synthetic_control', 'train': 0, 'held': 20},
    'spoken_digits': {
        'dataset': 'spoken_digits',
        'form': 'log_mel',
        'length': 8192,
        'window': 256,
        'hop': 128,
        'mels': 32,
        'train': 0,
        'held': 240,
        'augment': (),
    },
    'induction': {'train': 8192, 'held': 512, 'tokens': 16, 'length': 10, 'asked': 4},
    'selective_copying': {'train': 8192, 'held': 512, 'tokens': 8, 'length': 16, 'copies': 4, 'noise': 1},
    'compression': {'train': 8192, 'held': 512, 'tokens': 4, 'length': 16},
    'fuzzy_recall': {'train': 8192, 'held': 512, 'pairs': 3, 'keys': 8, 'values': 4, 'longest': 2},
    'modular_addition': {'train': 2560, 'held': 256, 'modulus': 59, 'mirrors': 'together'},
    'state_tracking': {'train': 8192, 'held': 512, 'group': 's3', 'length': 8, 'asked': 'every'},
    'arithmetic': {'train': 6144, 'held': 512, 'operation': '+', 'digits': 2, 'order': 'reversed'},
    'arithmetic_answers': {'train': 6144, 'held': 512, 'operation': '+', 'digits': 2, 'order': 'reversed'},
    'regular_language': {
        'train': 8192,
        'held': 512,
        'language': 'random',
        'states': 8,
        'symbols': 4,
        'number': 0,
        'length': 32,
    },
    'protein_families': {
        'families': 4,
        'positions': 16,
        'conserved': 0.75,
        'insertion': 0.05,
        'deletion': 0.05,
        'linker': 4.0,
        'number': 0,
        'length': 64,
        'linked': True,
        'train': 8192,
        'held': 512,
    },
    'next_observation': {
        'simulator': {'kind': 'balls'},
        'form': 'symbols',
        'events': 8,
        'linked': True,
        'train': 8192,
        'held': 512,
        'horizon': 1,
        'asked': 'every',
    },
    'hidden_variable': {
        'simulator': {'kind': 'balls'},
        'form': 'symbols',
        'events': 8,
        'linked': True,
        'train': 8192,
        'held': 512,
        'variable': 'direction',
    },
    'trajectories': TRACKED,
    'hidden_law': TRACKED,
    'law_probe': {**TRACKED, 'held': 2048},
    'text': {
        'dataset': 'tiny_shakespeare',
        'tokens': 'bytes',
        'vocabulary': 0,
        'tokenizer': '',
        'length': 64,
        'spacing': 0,
        'train': 0,
        'held': 512,
        'tested': 2048,
        'unit': 'bits per byte',
        'taught': 0,
    },
    'molecules': {'dataset': 'zinc', 'length': 112, 'train': 0, 'held': 1024, 'tested': 2048, 'unit': 'bits per byte'},
    'supervised': {
        'dataset': 'friedman',
        'target': '',
        'metric': 'accuracy',
        'columns': (),
        'length': 0,
        'cut': False,
        'vocabulary': 0,
        'row': 'token',
        'loss': 'squared',
        'train': 0,
        'held': 256,
        'augment': (),
        'rewrite': (),
        'control': '',
        'classes': 0,
        'groups': 0,
    },
    'mixture': {
        'parts': (
            {'kind': 'text', 'dataset': 'tiny_shakespeare'},
            {'kind': 'text', 'dataset': 'tinystories'},
            {'kind': 'text', 'dataset': 'zinc'},
        ),
        'weights': (),
        'train': 0,
        'held': 510,
        'tested': 1500,
        'lessons': 'shuffled',
    },
    'labelled_domains': {
        'parts': tuple({'kind': 'digits', 'quarter_turns': turns} for turns in (0, 1, 2, 3)),
        'weights': (),
        'train': 0,
        'held': 360,
        'tested': 720,
        'lessons': 'shuffled',
    },
    'answered_domains': {
        'parts': tuple({'kind': 'picture_language', 'pictures': 'blocks', 'asked': way} for way in ('answer', 'picture')),
        'scored': 1,
        'weights': (),
        'train': 0,
        'held': 256,
        'tested': 512,
        'lessons': 'shares',
    },
    'facts': {'chapter': 1, 'facts': 24, 'names': 16, 'train': 0, 'held': 96},
    'paired_scenes': {
        'pairs': (('picture', 'words'), ('picture', 'sound')),
        'scored': ('words', 'sound'),
        'probed': '',
        'bound': True,
        'left_out': '',
        'rate': 1.0,
        'pictures': 'blocks',
        'masked': (),
        'train': 0,
        'held': 256,
    },
    'picture_language': {'pictures': 'blocks', 'asked': 'answer', 'train': 0, 'held': 256},
    'origin_bytes': {'dataset': 'packages', 'origin': 'email', 'length': 64, 'train': 0, 'held': 64},
}
SIMULATED = {
    'balls': {'size': 5, 'balls': 2, 'screen': 1, 'kick': 0.1},
    'doors': {'rows': 3, 'columns': 2, 'steady': 0.5, 'flip': 0.05},
}
MOVING = {
    'pendulums': {
        'laws': ('undamped', 'damped'),
        'interval': 0.15,
        'substeps': 16,
        'shortest': 0.5,
        'longest': 2.0,
        'swing': 2.5,
    },
    'planets': {'laws': ('inverse_square',), 'interval': 0.04, 'substeps': 8, 'nearest': 0.5, 'farthest': 1.2},
    'three_bodies': {'laws': ('inverse_square',), 'interval': 0.15, 'substeps': 8, 'softening': 0.2},
}


def test_fields_of_tasks():
    """A task's data say what differs from these; the studies that ran say no more."""
    assert {name: left_out(kind) for name, kind in TASKS.items()} == TASK_KINDS
    assert {name: left_out(kind) for name, kind in SIMULATORS.items()} == SIMULATED
    assert {name: left_out(kind) for name, kind in MOTIONS.items()} == MOVING


def left_out(kind: type) -> dict:
    own = [field for field in dataclasses.fields(kind) if field.default is not dataclasses.MISSING]
    made = [field for field in dataclasses.fields(kind) if field.default_factory is not dataclasses.MISSING]
    return {field.name: field.default for field in own} | {field.name: field.default_factory() for field in made}
