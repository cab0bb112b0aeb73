"""File modes: what a run opens is as open to others as the user's umask says, no more and no less."""

import os
from pathlib import Path

import pytest

from results.store import atomic
from sweeps import journal
from sweeps.launch import order_files


@pytest.mark.parametrize(('umask', 'mode'), [(0, 0o666), (0o077, 0o600)])
def test_files_are_as_open_as_the_umask_says(tmp_path: Path, umask: int, mode: int):
    before = os.umask(umask)
    try:
        journal.note(tmp_path, 'began')
        order_files.open_log(tmp_path / 'worker-0.log').close()
        os.close(atomic.open_lock(tmp_path / '.lock'))
    finally:
        os.umask(before)
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == dict.fromkeys(
        (journal.FILE, 'worker-0.log', '.lock'), mode
    )
