"""The command that calibrates: it keeps what it found, goes on from there, and says what falls short."""

import contextlib
import json
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from archlab import judging


def test_a_cell_is_kept_and_not_run_again(called: Callable, tmp_path: Path):
    cell = 'plain, 3 replicates, 2 arms'
    done = called('calibrate', '--world', cell, '--studies', '20', '--out', tmp_path, '--json')
    assert done.returncode in (0, 1), done.stderr
    facts = json.loads(done.stdout)
    assert facts['cells']['cover'][cell]['studies'] == 20
    assert (done.returncode == 1) == bool(facts['shortfalls'])
    assert json.loads((tmp_path / 'calibration.json').read_text()) == facts
    assert f'| {cell} | 20 |' in (tmp_path / 'calibration.md').read_text()
    again = called('calibrate', '--world', cell, '--studies', '20', '--out', tmp_path)
    assert again.returncode == done.returncode and 'plain' in again.stdout and 'studies' not in again.stderr


def test_bad_input_is_said_in_one_line(called: Callable, tmp_path: Path):
    done = called('calibrate', '--world', 'plian')
    assert done.returncode == 2 and "Did you mean 'plain'" in done.stderr and len(done.stderr.splitlines()) == 1
    (tmp_path / 'calibration.json').write_text('{')
    done = called('calibrate', '--world', 'plain', '--studies', '20', '--out', tmp_path)
    assert done.returncode == 2 and 'is damaged' in done.stderr


@pytest.mark.parametrize('is_terminal', [True, False])
def test_cells_are_told_as_they_end(called: Callable, monkeypatch: pytest.MonkeyPatch, is_terminal: bool):
    told, saved = [], []

    def worlds(studies: int, world: list, known: str, progress: Callable) -> object:
        for done in (20, 40):
            progress('plain', done)
            yield f'{known} and {done} of {studies} of {world}'

    spinner = types.SimpleNamespace(update=told.append) if is_terminal else None
    monkeypatch.setattr(judging, 'waiting', lambda text: contextlib.nullcontext(spinner))
    monkeypatch.setattr('sweeps.protocol.calibrate.calibrate', worlds)
    for name, own in (
        ('load', lambda out: f'of {out}'),
        ('save', lambda *given: saved.append(given)),
        ('shortfalls', lambda facts: ['a promise'] if 'and 40' in facts else []),
        ('table_of', lambda facts: f'table: {facts}'),
    ):
        monkeypatch.setattr(f'results.calibration.{name}', own)
    done = called('calibrate', '--world', 'plain', '--studies', '40', '--out', 'there')
    cells = ['plain: 20 studies', 'plain: 40 studies']
    assert told == (cells if is_terminal else [])
    assert done.stderr.splitlines() == ([] if is_terminal else [f'calibrate: {cell}' for cell in cells])
    facts = [f"of there and {count} of 40 of ['plain']" for count in (20, 40)]
    assert saved == [(Path('there'), one) for one in facts]
    assert done.stdout.splitlines() == [f'table: {facts[-1]}', 'falls short: a promise'] and done.returncode == 1
