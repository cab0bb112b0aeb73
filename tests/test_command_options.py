"""Commands: what is not asked for is not done, and errors of the system are told in one line."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

import archlab as door
from archlab import application
from archlab.options import seconds_of, use_data


def flags(command: object, name: str = '') -> Iterator[tuple[str, str, object]]:
    """The flags of a command and of those below it: the words that call it, the flag, its value unless given."""
    for word, below in getattr(command, 'commands', {}).items():
        yield from flags(below, f'{name} {word}'.strip())
    yield from ((name, one.opts[0], one.default) for one in command.params if getattr(one, 'is_flag', False))


def test_flags_are_off_unless_given():
    told = list(flags(get_command(door.app)))
    assert {flag for _, flag, _ in told} >= {'--json', '--draw', '--live', '--force'}
    assert len({name for name, flag, _ in told if flag == '--json'}) > 20
    # A person who opens pages wants to see them.
    assert [(name, flag) for name, flag, given in told if given] == [('open', '--browser')]


RUNS = {'runs': Path('runs')}
BENCHES = {
    'ops': {'rounds': 9},
    'bodies': {'rounds': 5, 'processes': 1},
    'lanes': {'rounds': 5},
    'peers': {'trials': 16, 'rounds': 3},
    'scale': {'limit': 300.0},
    'driver': {'workers': 1000, 'lost': 0.05},
}
LEFT_OUT = {
    **dict.fromkeys(('plan', 'status', 'launch-script', 'logs', 'recipe', 'figure', 'report', 'verify', 'export-runs'), RUNS),
    'open': {**RUNS, 'browser': True},
    'run': {**RUNS, 'launcher': 'local'},
    'match': {'by': 'params', 'knob': 'both', 'tolerance': 0.01},
    'query': {**RUNS, 'form': 'table', 'seconds': 60.0, 'memory': 4.0},
    'table': {**RUNS, 'form': 'terminal'},
    'abstraction': {**RUNS, 'form': 'terminal'},
    'claims': {**RUNS, 'published': Path('results/published'), 'form': 'terminal'},
    'publish': {**RUNS, 'out': Path('results/published')},
    'audit': {'alpha': 0.05, 'form': 'terminal'},
    'calibrate': {'studies': 2000},
    'compare-searchers': {**RUNS, 'runs_each': 48, 'replicates': 5, 'seeds': 4},
    'export': {**RUNS, 'form': 'safetensors'},
    'data show': {'rows': 4, 'columns': 10},
    **{f'bench {name}': values for name, values in BENCHES.items()},
}
"""What an option is that nobody gives: a command in somebody's script does tomorrow what it did today."""


def options(command: object, name: str = '') -> Iterator[tuple[str, dict]]:
    """The values that each command's options have unless given."""
    below = getattr(command, 'commands', {})
    for word, one in below.items():
        yield from options(one, f'{name} {word}'.strip())
    if not below:
        yield name, {one.name: one.default for one in command.params if one.default not in (None, False, [], ())}


def test_options_that_are_left_out_mean_what_they_meant():
    assert {name: values for name, values in options(get_command(door.app)) if values} == LEFT_OUT


@pytest.mark.parametrize(
    ('error', 'said'),
    [
        (OSError(28, 'No space left on device', 'runs/x'), 'runs/x: No space left on device; check the path and the disk'),
        (OSError(5, 'Input/output error'), 'Input/output error; check the path and the disk'),
    ],
    ids=['place', 'no_place'],
)
def test_an_error_of_the_system_is_told_with_its_place(monkeypatch, capsys, error: OSError, said: str):
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(application, 'app', fails)
    assert application.main(['list', 'studies']) == 2
    assert capsys.readouterr().err == f'archlab: error: {said}\n'


def test_a_data_folder_holds_for_a_process_and_its_workers(monkeypatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'sets').mkdir()
    (tmp_path / 'file').touch()
    monkeypatch.setenv('ARCHLAB_DATA', 'before')
    use_data(None)
    assert os.environ['ARCHLAB_DATA'] == 'before'
    use_data(Path('sets'))
    assert os.environ['ARCHLAB_DATA'] == str((tmp_path / 'sets').resolve())
    for name in ('file', 'nowhere'):
        with pytest.raises(ValueError, match=f"--data '{name}' is no folder; give the one that holds the data"):
            use_data(Path(name))
    assert os.environ['ARCHLAB_DATA'].endswith('sets')


@pytest.mark.parametrize(
    ('text', 'seconds'),
    [('6h', 21600.0), ('1h30m', 5400.0), ('90m', 5400.0), (' 1.5m ', 90.0), ('45s', 45.0), ('1h1m1s', 3661.0), ('0.5s', 0.5)],
)
def test_times_are_hours_minutes_and_seconds(text: str, seconds: float):
    assert seconds_of(text, '--budget') == seconds


@pytest.mark.parametrize('text', ['', '0s', '6', 'h', '6 h', '-1h', '1h30', '.5h', '1d', 'x6h', f'{"9" * 400}h'])
def test_other_times_are_refused(text: str):
    with pytest.raises(ValueError, match=f"^--budget '{text}'; allowed: hours, minutes and seconds above 0, such as 6h, 90m"):
        seconds_of(text, '--budget')
