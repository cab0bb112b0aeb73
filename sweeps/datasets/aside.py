"""Aside: a folder is written beside its place and put there whole, by one process at a time."""

import contextlib
import fcntl
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

LEFT = ('new-*', 'old-*', 'unpacked-*')
"""What a killed process leaves beside a folder."""


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
        raise ValueError(
            f'{folder.parent}: cannot be written ({error.strerror}); give --data a folder that you may write to'
        ) from None
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
def written_aside(folder: Path) -> Iterator[Path]:
    """An empty folder to write into, which takes the place of `folder` when all went well; call it under the lock.

    Nothing is left where this one fails.
    """
    new, old = (_named(folder, f'{word}-{uuid.uuid4().hex}') for word in ('new', 'old'))
    new.mkdir()
    try:
        yield new
        for path in sorted(new.rglob('*')):
            _sync(path)
        _sync(new)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
        _sync(folder.parent)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def unpacked_aside(folder: Path) -> Iterator[Path]:
    """An empty folder beside `folder`, on its disk, that is gone in the end; call it under the lock."""
    place = _named(folder, f'unpacked-{uuid.uuid4().hex}')
    place.mkdir()
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
