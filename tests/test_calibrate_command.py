"""The command that calibrates: it keeps what it found, goes on from there, and says what falls short."""

import json
from collections.abc import Callable
from pathlib import Path


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
