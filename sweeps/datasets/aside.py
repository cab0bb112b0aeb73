"""Aside: the lock and the temporary folder beside a folder, while one process at a time makes it."""

import contextlib
import fcntl
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from results.store import atomic

LEFT = ('aside-*', 'unpacked-*')
"""The name pattern of folders that a killed process leaves."""
FIX = 'give --data a folder that you may write to'


def _named(folder: Path, ending: str) -> Path:
    return folder.with_name(f'.{folder.name}.{ending}')


@contextlib.contextmanager
def locked(folder: Path, waiting: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Hold the lock of a folder that need not exist yet; `waiting` is called if another process has the lock.

    The lock ends with the process. Leftovers of a killed process are removed once the lock is held. Raises ValueError where the
    place cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f'{folder.parent}: cannot be written ({error.strerror}); {FIX}') from None
    handle = atomic.open_lock(_named(folder, 'lock'))
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        for pattern in LEFT:
            for left in folder.parent.glob(_named(folder, pattern).name):
                shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def unpacked_aside(folder: Path) -> Iterator[Path]:
    """A temporary folder beside `folder`, on its disk, removed in the end; call it under the lock."""
    place = _named(folder, f'unpacked-{uuid.uuid4().hex}')
    place.mkdir()
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
