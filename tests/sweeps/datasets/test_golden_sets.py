"""What every reader makes of a source, sound or not, in which words: tests/golden/sets_*.txt."""

import dataclasses
import re
from pathlib import Path

import golden_texts
import numpy as np
import pytest
from own_sources import prepared, text_of
from test_own_sets import SOUND
from test_own_sets_refused import REFUSED
from told_values import told

from ablations.option_words import in_a_file
from ablations.tasks import OwnTask, Task
from ablations.tasks.derived import derive
from ablations.tasks.metrics import METRICS
from sweeps.datasets.prepared import Prepared
from sweeps.tasks.kind import Kind
from sweeps.training.preflight import task_of

ROWS = range(40)
COLUMNS = {
    'classes': lambda n: 'xyz'[n % 3],
    'codes': lambda n: str(n % 4),
    'from_1': lambda n: str(1 + n % 3),
    'gaps': lambda n: str(10 * (n % 3)),
    'many': lambda n: str(n),
    'twenty': lambda n: str(n % 20),
    'twenty_one': lambda n: str(n % 21),
    'halves': lambda n: f'{n / 2}',
    'flags': lambda n: str(n % 2),
    'other_flags': lambda n: str(n // 2 % 2),
    'against': lambda n: str(1 - n % 2),
    'truths': lambda n: ('true', 'false')[n % 2],
    'one': lambda n: 'same',
    'zero': lambda n: '0',
    'some': lambda n: '' if n % 4 else f'{n / 8}',
    'none': lambda n: '',
    'words': lambda n: f'word {n} and more words',
    'commas': lambda n: f'"1,{n:03d}"',
    'percent': lambda n: f'{n}%',
    'far': lambda n: f'{n}e39',
    'dates': lambda n: f'2024-01-{1 + n % 28:02d}',
    'molecules': lambda n: 'C' * (1 + n % 7) + 'O',
}
"""Columns of a table, by what stands in row n."""
ASKED = [
    *({'inputs': ('halves', 'many'), 'target': (name,)} for name in COLUMNS if name not in ('halves', 'many')),
    *({'inputs': (name,), 'target': ('classes',)} for name in COLUMNS if name != 'classes'),
    *({'inputs': ('halves',), 'target': pair} for pair in (('flags', 'other_flags'), ('flags', 'against'), ('codes', 'some'))),
    *(
        {'inputs': ('halves',), 'target': pair}
        for pair in (('flags', 'words'), ('some', 'none'), ('many', 'far'), ('zero', 'many'))
    ),
    *({'inputs': ('many',), 'target': ('gaps',), 'predict': form} for form in ('class', 'values', 'labels', 'map', 'tokens')),
    *({'inputs': ('many',), 'target': ('flags',), 'predict': form} for form in ('class', 'values', 'labels')),
    {'inputs': ('many',), 'target': ('classes', 'flags'), 'predict': 'class'},
    {'inputs': ('words', 'many'), 'target': ('flags',), 'form': 'text'},
    {'inputs': ('molecules',), 'target': ('halves',), 'form': 'smiles'},
    {'inputs': ('many',), 'target': ('classes',), 'group': 'gaps'},
    {'inputs': ('many',), 'target': ('classes',), 'group': 'one'},
    {'inputs': ('many',), 'target': ('classes',), 'split': 'column:dates'},
    {'inputs': ('many',), 'target': ('classes',), 'share': 0.5},
    {'target': ('classes',)},
    {'inputs': ('many', 'classes'), 'target': ('classes',)},
]
OF_FILES = ('format', 'sources', 'checksums', 'digest', 'options')
"""What is known of the files themselves, which other versions of their writers make otherwise."""
STATED = [
    *({'metric': name} for name in METRICS),
    *({'length': length} for length in (1, 4, 8, 1024, 1025)),
    *({'tokens': tokens} for tokens in ('bytes', 'characters', 'words')),
    *({'steps': steps} for steps in (1, 150, 101)),
    *({'batch': batch} for batch in (1, 8, 20, 4096)),
    *({'held': held} for held in (1, 5, 100)),
    *({'train': train} for train in (0, 1, 10)),
    *({'evaluations': 3, 'steps': steps} for steps in (10, 12)),
    {'evaluations': 300},
    {'chance': 0.5},
    {'chance': 2.0},
    {'chance': -1.0},
    {'margin': 0.5},
    {'margin': 1.0},
    {'spacing': 0},
    {'spacing': 2},
    {'vocabulary': 300},
    {'unit': 'points', 'direction': 'lower', 'domain': 'stars', 'chance': 1.0},
    {'augment': [{'kind': 'flip'}]},
    {'data': {'control': 'halves'}},
    {'data': {'nothing': 1}},
    {'base': {'body': {'kind': 'isotropic'}}},
]
"""What a task over a set may state, beside nothing at all."""
ANSWERS = (
    *('NAME', 'METRIC', 'SCALE', 'knobs', 'knob_bounds', 'loss_knobs', 'domain_name', 'domain_names', 'test_size'),
    *('token_count', 'labels', 'pool_size', 'absent', 'example', 'seen', 'pool', 'test'),
)
PLACES = re.compile(r'/\S*/(?=[^/\s]*)|(?<=\[)[^\]]{400,}(?=\])')


def table(at: Path) -> Path:
    lines = [','.join(COLUMNS), *(','.join(of_row(n) for of_row in COLUMNS.values()) for n in ROWS)]
    return text_of('a.csv', '\n'.join(lines))(at)


def summary(one: Prepared) -> list[str]:
    """What is known of a set, and of each split its types, sums and groups."""
    about = {name: value for name, value in one.about.items() if name not in OF_FILES}
    lines = told('about', about)
    for split in ('pool', 'test'):
        files = sorted((one.folder / split).glob('*.npy')) if (one.folder / split).is_dir() else []
        for path in files:
            own = np.load(path)
            numbers = own.astype(float) if own.dtype.kind in 'iufb' else np.zeros(1)
            lines += told(
                f'{split} {path.stem}', [str(own.dtype), list(own.shape), float(np.nansum(numbers)), np.ravel(numbers)[:3]]
            )
    return lines


def answered(at: Path, reader: str, source: object, options: dict) -> list[str]:
    at.mkdir(parents=True)
    there = source(at)
    try:
        return summary(prepared(at, reader, there, **options))
    except ValueError as error:
        return [PLACES.sub('', ' '.join(str(error).split()))]


def derived(own: dict, facts: dict) -> dict | str:
    """The fields of the task that a statement makes of a set, or why there is none."""
    try:
        made = derive(OwnTask(dataset='mine', **own), 'mine', facts, '')
    except ValueError as error:
        return PLACES.sub('', ' '.join(str(error).split()))
    return {field.name: getattr(made, field.name) for field in dataclasses.fields(Task)}


def tasks_over(facts: dict) -> list[str]:
    """The task over a set, and what other statements change of it; over a larger and a smaller one too."""
    plain = derived({}, facts)
    lines = told('task', plain)
    for own in STATED:
        made = derived(own, facts)
        alike = isinstance(made, dict) and isinstance(plain, dict)
        lines += told(f'{own}', {name: value for name, value in made.items() if value != plain[name]} if alike else made)
    for times in (0.1, 10, 1000):
        counts = {name: {key: int(times * value) for key, value in facts[name].items()} for name in ('sizes', 'elements')}
        made = derived({}, {**facts, **counts})
        alike = isinstance(made, dict) and isinstance(plain, dict)
        lines += told(f'{times} times as many', {n: v for n, v in made.items() if v != plain[n]} if alike else made)
    return lines


def shown(kind: Kind, name: str) -> object:
    """What a kind answers, arrays by their type and shape; or why it does not."""
    try:
        own = getattr(kind, name)
        own = own() if callable(own) else own
    except ValueError as error:
        return PLACES.sub('', ' '.join(str(error).split()))
    if dataclasses.is_dataclass(own):
        return {field.name: getattr(own, field.name) for field in dataclasses.fields(own)}
    return own


def sized(value: object) -> object:
    if isinstance(value, dict):
        return {name: sized(own) for name, own in value.items()}
    return f'{value.dtype}{list(value.shape)}' if hasattr(value, 'shape') else value


def kind_over(one: Prepared, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the kind of task over a set answers, and its arrays."""
    made = derived({}, one.about)
    if isinstance(made, str):
        return []
    monkeypatch.setenv('ARCHLAB_DATA', str(one.folder.parents[1]))
    kind: Kind = task_of(made['data'])
    lines = told('kind', {name: sized(shown(kind, name)) for name in ANSWERS})
    try:
        lines += told('split', [[*map(len, kind.split(kind.pool(), seed))] for seed in range(3)])
    except ValueError as error:
        lines += told('split', str(error))
    return lines


def test_tasks_over_sets_are_what_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    tasks, kinds = [], []
    for number, (name, (reader, source, options, _)) in enumerate(SOUND.items()):
        at = tmp_path / str(number)
        at.mkdir()
        one = prepared(at, reader, source(at), **options)
        tasks += [f'# {name}', *tasks_over(one.about)]
        kinds += [f'# {name}', *kind_over(one, monkeypatch)]
    golden_texts.hold('sets_tasks', '\n'.join(tasks))
    golden_texts.hold('sets_kinds', '\n'.join(kinds))


def test_sound_sets_are_what_they_were(tmp_path: Path):
    lines = []
    for number, (name, (reader, source, options, _)) in enumerate(SOUND.items()):
        lines += [f'# {name}', *answered(tmp_path / str(number), reader, source, options)]
    golden_texts.hold('sets_prepared', '\n'.join(lines))


def test_what_is_refused_is_told_as_it_was(tmp_path: Path):
    lines = []
    with in_a_file():
        for number, (name, (reader, source, options, _)) in enumerate(REFUSED.items()):
            lines += [f'# {name}', *answered(tmp_path / str(number), reader, source, options)]
    golden_texts.hold('sets_refused', '\n'.join(lines))


def test_columns_are_taken_for_what_they_were(tmp_path: Path):
    lines = []
    for number, options in enumerate(ASKED):
        lines += [f'# {options}', *answered(tmp_path / str(number), 'csv', table, options)]
    golden_texts.hold('sets_columns', '\n'.join(lines))
