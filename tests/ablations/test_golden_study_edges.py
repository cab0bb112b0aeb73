"""What a study and a task refuse, field by field, in which words: tests/golden/edges_*.txt."""

import dataclasses

import golden_texts
import pytest
from field_edges import refusals
from fine_study import FINE

from ablations.bounds import Bounds
from ablations.spaces import SPACES, choice, integer, linear, log
from ablations.study import Study, task
from ablations.tasks import TASKS, OwnTask, Task

NUMBERS = {
    'trials': (0, 1, 2, 9, 100_000, 100_001, True, 1.5, '5'),
    'screening': (-1, 0, 1, 3, 4, 9, 10, 100_001),
    'replicates': (0, 1, 1000, 1001, True),
    'seeds': (0, 1, 1000, 1001),
    'base_factor': (0, 1, 100, 101),
    'extension': (-1, 0, 5, 6, 100_001),
    'halvings': ((0.5,), (0.25, 0.5), (0.5, 0.25), (0.5, 0.5), (0.0,), (1.0,), (True,), ('x',), 0.5, (0.001,), (0.333,)),
    'looks': ((3, 5), (5,), (5, 3), (3, 3, 5), (0, 5), (3,), (3.0, 5), (True, 5), 5, 'x', (2, 6)),
    'shares': ((0.5, 0.5), (1.0, 0.0), (0.0, 1.0), (0.5, 0.4), (1.0,), (0.5, 0.25, 0.25), (1.5, -0.5), (True, 0), 1, ('x', 1)),
    'alpha': (0, 1, 1e-9, 0.999, True, '0.05', None),
    'name': ('', 'A', 'a-b', 'a b', 5, None, 'a_1'),
    'question': ('', ' ', 5, None),
    'tasks': ((), ('digits', 'digits'), ('nothing',), 'digits', (5,), None, ('digits',)),
    'arms': ({}, {'base': ()}, {'base': (1,)}, [], {'a b': ()}, {1: ()}, {'base': (), 'x': 5}, None),
    'tune': (
        {},
        None,
        {'adamw': {}},
        {'adamw': {'lr': 1}},
        {'adamw': {'weight_decay': log(1e-3, 1)}},
        {'adamw': {'lr': linear(0, 1)}},
        {'adamw': {'lr': log(1e-3, 1), 'b1': linear(0, 1.5)}},
        {'adamw': {'lr': log(1e-3, 1), 'b1': linear(0, 1)}},
        {'adamw': {'lr': log(1e-3, 1), 'batch': linear(8, 16)}},
        {'adamw': {'lr': log(1e-3, 1), 'batch': choice(8, 16.5)}},
        {'adamw': {'lr': log(1e-3, 1), 'batch': choice(64, 100_000)}},
        {'adamw': {'lr': log(1e-3, 1), 'schedule': linear(0, 1)}},
        {'adamw': {'lr': log(1e-3, 1), 'seed': linear(0, 1)}},
        {'adamw': {'lr': log(1e-3, 1), 'My_Seed_2': linear(0, 1)}},
    ),
    'optimizers': (
        {'other': 'muon'},
        {'other': ('muon',)},
        {'nobody': ('adamw',)},
        {'other': ()},
        {'other': ('adamw', 'adamw')},
        5,
    ),
    'own': (
        {'other': {}},
        {'nobody': {'b1': linear(0, 0.9)}},
        {'other': {'lr': log(1e-3, 1)}},
        {'other': {'batch': choice(8, 16)}},
        5,
    ),
    'fixed': (
        {'lr': 1e-3},
        {'data_seed': 1},
        {'Seed': 1},
        {'b1': 1.5},
        {'b1': 'x'},
        {'b1': True},
        {'nothing': 1},
        {'schedule': 'nothing'},
        {'batch': 8},
        5,
    ),
    'arm_fixed': (
        {'nobody': {'b1': 0.5}},
        {'other': {'b1': 1.5}},
        {'other': {'lr': 1e-3}},
        {'other': {}},
        {'base': {'b1': 0.5}},
        5,
    ),
    'against': ({'other': 'base'}, {'other': 'nobody'}, {'nobody': 'base'}, {'other': 'other'}, {'base': 'other'}, 5),
    'levels': ({'other': {'a': 'b'}}, {'nobody': {}}, 5),
    'blocks': (5, 'nowhere.py'),
}
"""Values of fields of a study that say more than those of every field."""
PAIRS = [
    {'search': 'tpe', 'screening': 4, 'tune': {name: SPACES[name] for name in ('adamw', 'sgd')}},
    {'screening': 4, 'tune': {name: SPACES[name] for name in ('adamw', 'sgd')}, 'trials': 4},
    {'screening': 3, 'tune': {name: SPACES[name] for name in ('adamw', 'sgd')}},
    {'recipe': 'same', 'own': {'other': {'b1': linear(0, 0.9)}}},
    {'recipe': 'same', 'share': True},
    {'recipe': 'same', 'optimizers': {'other': ('adamw',)}},
    {'own': {'other': {'b1': linear(0, 0.9)}}, 'fixed': {'b1': 0.5}},
    {'budget': 'compute', 'tune': {'adamw': {'lr': log(1e-3, 1), 'batch': choice(32, 64)}}},
    {'budget': 'compute', 'halvings': (0.5,)},
    {'optimizers': {'other': ('adamw',)}, 'tune': {name: SPACES[name] for name in ('adamw', 'sgd')}},
    {'optimizers': {'other': ('adamw',), 'base': ('adamw',)}, 'tune': {name: SPACES[name] for name in ('adamw', 'sgd')}},
]
"""What does not go together in a study."""
SPACE_CALLS = [
    (integer, 1.5, 4),
    (integer, 4, 4),
    (integer, 1, 4, 'x'),
    (integer, 0, 4, True),
    (choice,),
    (choice, 1),
    (choice, 1, 1),
    (choice, 1, True),
    (choice, 1, 'x'),
    (choice, 2, 1),
    (linear, 0, 1, (0.5, 2)),
    (linear, 0, 1, (0, 0.5)),
    (linear, 0, 1, (0,)),
    (linear, 0, 1, 'ab'),
    (linear, 0, 1, 5),
    (Bounds, 1, 1),
    (Bounds, True, 2),
    (Bounds, 0, 'x'),
    (Bounds, float('nan')),
]


def said(make: object, *given: object, **named: object) -> str:
    try:
        make(*given, **named)
    except (ValueError, TypeError) as error:
        return f'{type(error).__name__} {" ".join(str(error).split())}'
    return 'taken'


def test_what_a_study_refuses():
    fine = {field.name: field.default for field in dataclasses.fields(Study) if field.default is not dataclasses.MISSING}
    made = {
        field.name: field.default_factory()
        for field in dataclasses.fields(Study)
        if field.name in ('optimizers', 'own', 'fixed')
    }
    fields = {**fine, **made, 'arm_fixed': {}, 'against': {}, 'levels': {}, 'tune': {'adamw': SPACES['adamw']}, **FINE}
    lines = list(refusals('study', Study, fields, given=NUMBERS))
    lines += [f'{pair}: {said(Study, **{**FINE, **pair})}' for pair in PAIRS]
    lines += [f'{make.__name__}{given}: {said(make, *given)}' for make, *given in SPACE_CALLS]
    golden_texts.hold('edges_study', '\n'.join(lines))


def test_what_a_task_refuses():
    fine = {field.name: getattr(TASKS['digits'], field.name) for field in dataclasses.fields(Task)}
    given = {
        **dict.fromkeys(('steps', 'batch', 'evaluations'), (0, 1, 1.5, True, 10**12, 10**12 + 4, 10**30)),
        'margin': (0.0, -1.0, 1e-9, float('inf'), float('nan'), True),
        'chance': (float('inf'), float('nan'), 'x', 0),
        'name': ('', 'A', 'a-b', 5),
        'unit': ('', 'a\nb', '\x1b[31m', 5),
    }
    golden_texts.hold('edges_task', '\n'.join(refusals('task', Task, fine, given=given)))


@pytest.mark.parametrize('source', ['rows.csv', 'photos', ('a', 'b')], ids=str)
def test_what_a_task_of_ones_own_refuses(source):
    read = {'rows.csv': 'csv', 'photos': 'image_folder'}.get(source, '')
    fine = {field.name: field.default for field in dataclasses.fields(OwnTask)} | {'data': {}, 'source': source, 'read': read}
    given = {
        **dict.fromkeys(('held', 'train', 'length', 'spacing', 'size', 'jpeg', 'steps', 'batch'), (-1, 0, 1, 1.5, True, 'x')),
        'share': (0, 1, 0.5, 1.5, True, 'x', float('nan')),
        'split': ('names', 'hash', 'column:', 'column:a', 'x', 5),
        'source': (None, '', 5, (), ('a',), ('a', 'a'), ('a', 5), ('a', '')),
        'read': ('nothing', 'which_set', 'csv', 'image_folder', 'fasta', 'parquet', 5),
        'inputs': ((), '', 'a', ('a', 'a'), ('a', 5), 5),
        'target': ((), '', 'a', ('a', 'a'), ('a', 5), 5),
        'form': ('nothing', 'images', 'table', 'nucleotides', 5),
        'predict': ('nothing', 'class', 'values', 'tokens', 5),
        'name': ('', 'A', 'a b', 5, 'digits'),
        'dataset': ('', 'A', 'mnist', 5),
        'margin': (0, -1, 0.1, True, 'x'),
        'chance': (float('inf'), 'x', True, 0.5),
        'metric': ('nothing', 'accuracy', 'auroc', 5),
        'direction': ('up', 'higher', 5),
    }
    lines = list(refusals('own', task, fine, given=given))
    golden_texts.hold(f'edges_own_task_{read or "several_sets"}', '\n'.join(lines))
