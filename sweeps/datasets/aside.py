"""Aside: what lies beside a folder while one process at a time makes it: a lock, and room for what is unpacked."""

import contextlib
import fcntl
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

LEFT = ('aside-*', 'unpacked-*')
"""What a killed process leaves beside a folder."""
FIX = 'give --data a folder that you may write to'


def _named(folder: Path, ending: str) -> Path:
    return folder.with_name(f'.{folder.name}.{ending}')


@contextlib.contextmanager
def locked(folder: Path, waiting: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Hold the lock of a folder that need not exist yet; `waiting` is called where another process has it.

    The lock is the process's: it ends with it, however that ends. What a killed process left is removed once the lock is
    held. Raises ValueError where the place cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        file = open(_named(folder, 'lock'), 'wb')  # noqa: SIM115 - closed below
    except OSError as error:
        raise ValueError(f'{folder.parent}: cannot be written ({error.strerror}); {FIX}') from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        for pattern in LEFT:
            for left in folder.parent.glob(_named(folder, pattern).name):
                shutil.rmtree(left, ignore_errors=True)
        yield


@contextlib.contextmanager
def unpacked_aside(folder: Path) -> Iterator[Path]:
    """An empty folder beside `folder`, on its disk, that is gone in the end; call it under the lock."""
    place = _named(folder, f'unpacked-{uuid.uuid4().hex}')
    place.mkdir()
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
