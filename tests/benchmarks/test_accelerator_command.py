"""The accelerator's command: what it prints and writes of each part, how it ends, and how a part is begun."""

import itertools
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.accelerator import __main__ as command
from benchmarks.accelerator import about


def test_every_part_is_told_in_a_line_and_in_the_file(tmp_path: Path, monkeypatch, capsys):
    def run_part(name, folder, tiny, limit):
        assert (folder, tiny, limit) == (tmp_path, False, {'models': 30, 'resume': 10.0}[name])
        return {'ended': 'done', 'seconds': 3.5, 'measured': [1, 2]}

    clock = itertools.chain([100.0, 101.0, 102.0, 150.0], itertools.repeat(150.5))
    needs = {'about': ('one', 'json', 'another'), 'models': ('json',)}
    monkeypatch.setattr(command, 'time', SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr(command, '_facts', lambda name: {'NEEDS': needs.get(name, ()), 'SECONDS': 30})
    monkeypatch.setattr(command, 'run_part', run_part)
    monkeypatch.setattr(command.importlib.util, 'find_spec', lambda name: {'json': 'there'}.get(name))
    told = command.run_all(tmp_path, ('about', 'models', 'resume', 'peers'), False, 60)
    assert told == {
        'about': {'ended': 'skipped: one, another is not installed', 'seconds': 0.0, 'measured': []},
        **{name: {'ended': 'done', 'seconds': 3.5, 'measured': [1, 2]} for name in ('models', 'resume')},
        'peers': {'ended': 'not begun: no time was left', 'seconds': 0.0, 'measured': []},
    }
    assert (tmp_path / command.FILE).read_text() == json.dumps({'tiny': False, 'parts': told}, indent=1) + '\n'
    assert capsys.readouterr().out.splitlines() == [
        'about: skipped: one, another is not installed, 0 measurements, 0.0 s',
        'models: done, 2 measurements, 3.5 s',
        'resume: done, 2 measurements, 3.5 s',
        'peers: not begun: no time was left, 0 measurements, 0.0 s',
    ]


@pytest.mark.parametrize(
    ('ends', 'code'),
    [
        *((['done', 'skipped: torch is not installed'], 0), (['done', 'failed with status 1'], 1)),
        *((['not begun: no time was left', 'done'], 1), (['skipped: a is not installed'] * 2, 0)),
    ],
)
def test_the_command_fails_unless_every_part_was_done_or_skipped(tmp_path: Path, monkeypatch, ends, code):
    asked = []

    def run_all(folder, parts, tiny, seconds):
        asked.append((folder, parts, tiny, seconds))
        return {name: {'ended': ended} for name, ended in zip(parts, ends, strict=True)}

    monkeypatch.setattr(command, 'run_all', run_all)
    folder = tmp_path / 'deep' / 'out'
    assert command.main(['--out', str(folder), '--only', 'lanes,about', '--tiny', '--seconds', '60']) == code
    # In the order of their worth, and into a folder that is there.
    assert asked == [(folder, ('about', 'lanes'), True, 60.0)] and folder.is_dir()
    ends[:] = ['done'] * len(command.PARTS)
    assert command.main(['--out', str(folder)]) == 0
    assert asked[1:] == [(folder, command.PARTS, False, 480)]


def test_a_part_is_run_by_its_name(tmp_path: Path, monkeypatch):
    ran = []
    monkeypatch.setattr(about, 'run', lambda told, tiny: ran.append((told.path, told.seconds, tiny)))
    monkeypatch.setattr(command, 'run_all', pytest.fail)
    assert command.main(['--out', str(tmp_path), '--part', 'about', '--tiny', '--seconds', '60']) == 0
    assert command.main(['--out', str(tmp_path), '--part', 'about']) == 0
    assert ran == [(tmp_path / 'about.json', 60.0, True), (tmp_path / 'about.json', 480, False)]
    for given in (['--out', str(tmp_path), '--part', 'abuot'], []):
        with pytest.raises(SystemExit):
            command.main(given)


def test_its_help_says_what_each_option_is(monkeypatch, capsys):
    monkeypatch.setenv('COLUMNS', '300')
    with pytest.raises(SystemExit):
        command.main(['--help'])
    said = capsys.readouterr().out
    assert said.startswith('usage: python -m benchmarks.accelerator [-h]') and '--part' not in said
    lines = [' '.join(line.split()) for line in said.splitlines()]
    for line in (
        'The command: `python -m benchmarks.accelerator --out FOLDER`.',
        *('--out OUT the folder for accelerator.json', '--only ONLY some of the parts, with commas between'),
        *('--seconds SECONDS of all parts together', '--tiny sizes that a processor does in a minute'),
    ):
        assert line in lines


@pytest.mark.parametrize(
    ('name', 'text'), [('one', 'A = 1\nA, B = 1, 2\nNEEDS, SECONDS = ("a",), 7\n'), ('two', 'NEEDS = ()\n')]
)
def test_needs_are_read_from_the_file_of_a_part(tmp_path: Path, monkeypatch, name, text):
    (tmp_path / f'{name}.py').write_text(text)
    monkeypatch.setattr(command, '__file__', str(tmp_path / '__main__.py'))
    if name == 'one':
        assert command._facts(name) == {'NEEDS': ('a',), 'SECONDS': 7}
    else:
        with pytest.raises(ValueError, match=r'^two\.py declares no NEEDS, SECONDS$'):
            command._facts(name)


def test_what_a_part_said_is_told_though_it_is_no_text(tmp_path: Path, monkeypatch):
    class Process:
        pid, returncode = 77, 3

        def __init__(self, call, stdout, **given):
            stdout.write(b'why\xff')

        def wait(self, limit=None):
            pass

    clock = iter([1.0, 3.26])
    monkeypatch.setattr(command, 'time', SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr(command.subprocess, 'Popen', Process)
    monkeypatch.setattr(command.os, 'killpg', lambda group, number: None)
    told = command.run_part('about', tmp_path, False, 7.0)
    assert told == {'ended': 'failed with status 3', 'seconds': 2.3, 'measured': [], 'said': 'why\ufffd'}


def test_measurements_of_an_earlier_run_are_none_of_a_part(tmp_path: Path, monkeypatch):
    class Process:
        pid, returncode = 77, 0

        def __init__(self, *given, **more):
            pass

        def wait(self, limit=None):
            pass

    (tmp_path / 'about.json').write_text('[{"name": "of an earlier run"}]')
    monkeypatch.setattr(command.subprocess, 'Popen', Process)
    monkeypatch.setattr(command.os, 'killpg', lambda group, number: None)
    told = command.run_part('about', tmp_path, False, 7.0)
    assert (told['ended'], told['measured']) == ('done', []) and not list(tmp_path.iterdir())


def test_a_line_is_seen_as_soon_as_a_part_has_ended(tmp_path: Path, monkeypatch):
    printed = []
    monkeypatch.setattr(command, 'print', lambda line, **how: printed.append(how), raising=False)
    command.run_all(tmp_path, ('about',), False, 1)
    assert printed == [{'flush': True}]
