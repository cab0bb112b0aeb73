"""What commands hand on: each is called with every option, and what it calls in the rooms are stand-ins that write it down.

An option that is dropped, swapped with another or handed to the wrong name changes a line of golden/calls.txt; so does an
answer that is not printed.
"""

import ast
import contextlib
import importlib
import inspect
import re
import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from unittest import mock

import golden_texts
from test_plan_command import FACTS
from typer.main import get_command

import archlab as door

ROOMS = ('ablations', 'arch', 'sweeps', 'results', 'benchmarks')
ENDLESS = ('open', 'logs')
"""Commands that serve a page until somebody ends them, or show files alone."""
GIVEN = {
    **{'form': 'terminal', 'launcher': 'slurm', 'what': 'blocks', 'to': 'tensorboard', 'until': 'decided', 'at_most': 7},
    **{'searchers': 'greedy,lab', 'budget': None, 'time': '6:00:00', 'against': 'first'},
}
"""Values of options that only some words are allowed for."""
ONLY = {
    'describe': {'other': None, 'draw': False, 'what': 'quickstart'},
    'export': {'what': 'quickstart/no_mixer', 'form': 'safetensors'},
    'recipe': {'what': 'quickstart/no_mixer'},
    'match': {'what': 'quickstart/no_mixer', 'to': 'base'},
    'run': {'trial': None},
    'report': {'studies': ['quickstart'], 'live': False},
    'status': {'watch': False},
    'merge': {'sources': [Path('some/one'), Path('some/other'), Path('some/last')]},
    'query': {'form': 'csv'},
    'publish': {'searchers': False},
    'reproduce': {'study': None, 'rerun': False, 'runs': None, 'tolerance': None, 'workers': None},
    'data prepare': {'name': None, 'field': None, 'unverified': False},
    **{f'bench {name}': {'size': ['depth=12'], 'only': ['vit']} for name in ('bodies', 'lanes')},
}


def commands(command: object, name: str = '') -> Iterator[tuple[str, object]]:
    below = getattr(command, 'commands', {})
    for word, one in below.items():
        yield from commands(one, f'{name} {word}'.strip())
    if not below:
        yield name, command


ON_DEVICE = {
    **{'device': 'h100', 'devices': 8, 'seconds': 90.0, 'share': 0.3, 'peak': 989e12, 'exchange_seconds': 5.0, 'link': 450e9},
    **{'memory': 80e9, 'needs': None},
}
OF_OWN = ('inputs', 'target', 'form', 'predict', 'group', 'share')
MORE = {
    'report': [{'studies': ['quickstart', 'norms'], 'settings': None}, {'studies': ['shared_keys'], 'settings': None}],
    'describe': [{'draw': True}, {'draw': True, 'as_json': False}, {'other': 'norms', 'as_json': False}],
    'list': [{'what': what, 'as_json': False} for what in ('flagships', 'studies', 'tasks', 'models', 'optimizers')],
    'run': [{'trial': 'abc'}, {'until': None, 'at_most': None, 'study': 'some/mine.py', 'as_json': False}],
    'publish': [{'searchers': True, 'force': False}],
    'reproduce': [{'rerun': True, 'runs': Path('some/runs'), 'tolerance': 0.5, 'workers': 3}, {'study': 'other'}],
    'data prepare': [
        {'name': 'mnist'},
        {'name': 'mnist', 'as_': None, 'field': 'column', 'unverified': True, **dict.fromkeys(OF_OWN), 'as_json': False},
        {'name': 'text', 'as_': None, 'as_json': False},
    ],
    'query': [{'sql': None}, *({'schema': False, 'form': 'table', 'as_json': False, 'wide': wide} for wide in (False, True))],
    'data show': [{'out': None, 'as_json': as_json} for as_json in (False, True)],
    'plan': [{'budget': '6h'}, {'device': None}, {'budget': '6h', 'device': None, 'devices': None, 'as_json': False}],
    'claims': [{'study': None}, {'study': None, 'blocks': None, 'as_json': False}],
    'audit': [{'against': 'ours'}, {'against': None, 'form': 'md', 'as_json': False}],
}
"""Other ways through some commands."""
ROOM = Path(door.__file__).parent
OWN = ('application', 'answers', 'options', 'study_runs', 'surroundings')
PASSING = re.compile(r'^[^\'"]*?(__\w+__|\.(items|values|keys|rstrip))\(')
"""What is asked of a stand-in on the way."""
COMMANDS = dict(commands(get_command(door.app)))


def value_of(name: str, kind: object, order: int) -> object:
    """A value of its own for an option of this type."""
    if isinstance(kind, types.UnionType):
        (kind,) = [one for one in typing.get_args(kind) if one is not type(None)]
    if typing.get_origin(kind) is list:
        return [value_of(name, typing.get_args(kind)[0], order)]
    return {bool: True, int: 3 + order, float: 0.25 + order, str: name, Path: Path('some', name)}[kind]


def stand_ins(module: ModuleType) -> Iterator[tuple[str, str]]:
    """(module, name) of all that a module of the door imports from the rooms, wherever it does so."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.ImportFrom) and node.module.split('.')[0] in ROOMS:
            for one in node.names:
                yield node.module, one.name


def written(call: object) -> str:
    text = call if isinstance(call, str) else repr(call)
    text = re.sub(r"<(?:Magic|NonCallable)\w*Mock name='(?:mock.)?([^']*)' id='\d+'>", r'\1', text).removeprefix('call.')
    text = (
        re.sub(r' at 0x[0-9a-f]+|/\d{9,}', '', text)
        .replace('PosixPath', 'Path')
        .replace(str(Path(sys.executable).parent), 'BIN')
    )
    text = re.sub(r'clock\(\d\S*\)', 'clock(SECONDS)', re.sub(r"\{'[^{}:]+'\}", 'NAMES', text))
    return re.sub(r'/\S*/archlab-\w+', 'TEMPORARY', text)


def ended(name: str, /, **changes: object) -> str:
    """How a command ends that is given every option."""
    command = COMMANDS[name]
    hints = {one: kind for one, kind in typing.get_type_hints(inspect.unwrap(command.callback)).items() if one != 'return'}
    given = {one: value_of(one, kind, order) for order, (one, kind) in enumerate(hints.items())}
    given |= {one: own for one, own in GIVEN.items() if one in given} | ONLY.get(name, {}) | changes
    try:
        command.callback(**given)
    except (Exception, SystemExit) as error:
        return f'{type(error).__name__}: {written(str(error))}'
    return 'ends'


def test_options_are_handed_on(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'some' / 'data').mkdir(parents=True)
    (tmp_path / 'some' / 'runs' / 'asked').mkdir(parents=True)
    heard = mock.MagicMock()
    modules = [
        importlib.import_module(f'archlab.{path.stem}') for path in sorted(ROOM.glob('[a-z]*.py')) if path.stem not in OWN
    ]
    wanted = sorted({one for module in modules for one in stand_ins(module)})
    places = [importlib.import_module(place) for place, _ in wanted]  # all of them before any is changed
    for module, (place, name) in zip(places, wanted, strict=True):
        own = getattr(module, name, None) or importlib.import_module(f'{place}.{name}')
        if isinstance(own, ModuleType):
            for below in [one for one, kind in vars(own).items() if inspect.isfunction(kind)]:
                monkeypatch.setattr(own, below, getattr(heard, f'{name}.{below}'))
        elif callable(own) and not (inspect.isclass(own) and issubclass(own, BaseException)):
            monkeypatch.setattr(module, name, getattr(heard, name))
    for module in modules:
        for name in (
            'print_json',
            'OUT',
            'ERR',
            'Terminal',
            'warn_skipped',
            'open_study',
            'run_study',
            'open_comparison',
            'named_arm',
            'surroundings',
            'studies_in',
            'waiting',
            'use_data',
        ):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, getattr(heard, name))
    monkeypatch.setattr(sys, 'argv', ['/bin/archlab'])
    heard.ERR.is_terminal = False
    heard.waiting.return_value = contextlib.nullcontext()
    heard.named_arm.return_value = ('the study', 'the arm')
    for study in (heard.load_study.return_value, heard.override.return_value, heard.open_study.return_value.study):
        study.name, study.looks = 'asked', (3,)
    heard.looks_of.return_value.counts = (3,)
    heard.Comparison.return_value.study.name = 'asked'
    getattr(heard, 'comparison_file.is_comparison').return_value = False
    heard.bundle.read.return_value = {'study': 'told', 'settings': ['trials=8']}
    heard.tasks_in.return_value = ({'ours': 'a task'}, {'NORMS'})
    heard.import_file.return_value = heard.start_from.return_value = {'tensors': 2, 'parameters': 3000, 'sha256': 'abc'}
    heard.places.return_value = ([heard.place], ['another task'])
    heard.forecast.return_value = {**FACTS, 'on_device': ON_DEVICE}
    heard.Comparison.return_value.searches, heard.Comparison.return_value.searched.return_value = 3, ['one search']
    heard.Run.return_value.return_value.failures = {'one pack': 'no room', 'another': 'killed', 'a third': 'no room'}
    heard.bundles_in.return_value = [Path('some/bundle')]
    heard.collect.return_value.skipped = ['a bundle: it is damaged']
    heard.collect.return_value.sources = [heard.source]
    heard.claim_at.return_value.study_digest = heard.source.digest
    heard.ask.return_value.skipped = ['a.jsonl: it is damaged']
    heard.knob_lines.return_value = ['a knob', 'another']
    heard.bench.return_value = {'rounds': 3}
    heard.show.return_value = {'kind': 'images', 'excerpt': ['one line'], 'damaged': ['pool/x.npy']}
    heard.prepare.return_value = heard.prepare_own.return_value = (heard.made, False)
    heard.run_study.return_value = {'one pack': 'the worker was killed', 'another': 'no room', 'a third': 'no room'}
    heard.progress_of.return_value = {'failures': ['no room', 'a disk is full'], 'barren': ['an arm gave nothing'], 'failed': 1}
    heard.shortfalls.return_value = ['one promise', 'another']
    heard.gains_of.return_value = ['one gain', 'another']
    for name in ('code_book_lines', 'readout_lines', 'lines', 'schema_lines', 'export_arm'):
        getattr(heard, name).return_value = ['one line', 'another']
    lines, _ = [], capsys.readouterr()
    for name, command in COMMANDS.items():
        if name in ENDLESS:
            continue
        has = 'as_json' in [option.name for option in command.params]
        for changes in [*([{'as_json': False}, {'as_json': True}] if has else [{}]), *MORE.get(name, [])]:
            heard.reset_mock()
            last = ended(name, **changes)
            calls = [written(call) for call in heard.mock_calls]
            out = capsys.readouterr().out
            said = [f'  > {written(line)}' for line in out.splitlines()] + ['  (and no end of line)'] * (
                out[-1:] not in ('', '\n')
            )
            lines += [f'$ {name} {changes}', *(f'  {call}' for call in calls if not PASSING.search(call)), *said, f'  {last}']
    assert not [line for line in lines if line.startswith('  AssertionError')], 'an option that the command does not have'
    golden_texts.hold('calls', '\n'.join(lines))
