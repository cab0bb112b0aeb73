"""Order files: orders and their answers as files in a run's folder, for workers that no pipe reaches."""

import json
import os
import stat
from pathlib import Path
from typing import BinaryIO

from results.store import atomic, regular

FOLDER = 'orders'
LOGS = 'logs'
TAIL, LINES = 4096, 3
"""At most how many bytes, and lines, of a log are shown where a worker has ended without an answer."""


def prepare(run: Path) -> None:
    """Make the folders that workers write to."""
    for name in (FOLDER, LOGS):
        (run / name).mkdir(parents=True, exist_ok=True)


def write(run: Path, name: str, command: dict) -> None:
    """Write the command of an order, and forget the answer to an earlier one of this name."""
    place(run, name, 'answer').unlink(missing_ok=True)
    # Whatever is lost with the machine is submitted again.
    atomic.replace(place(run, name, 'json'), json.dumps(command), lasting=False, follow=False)


def read(run: Path, name: str) -> object:
    """The command of an order, as it is; raises ValueError where there is none, or it is damaged."""
    path = place(run, name, 'json')
    try:
        return json.loads(regular.read(path))
    except OSError as error:
        raise ValueError(f"no order '{name}' in {run}: {regular.unread(path, error)}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f'{path} is damaged ({error}); run the study again, which writes it anew') from None


def tell(run: Path, name: str, answer: dict) -> None:
    """Write the answer to an order."""
    atomic.replace(place(run, name, 'answer'), json.dumps(answer), lasting=False, follow=False)


def answer(run: Path, name: str) -> dict | None:
    """The answer to an order; None where there is none yet."""
    try:
        told = json.loads(regular.read(place(run, name, 'answer')))
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) else None


def clear(run: Path, name: str) -> None:
    """Remove an order that is carried out, and its answer."""
    for kind in ('json', 'answer'):
        place(run, name, kind).unlink(missing_ok=True)


def place(run: Path, name: str, kind: str) -> Path:
    """The file of an order: its command (`json`) or its `answer`."""
    return run / FOLDER / f'{name}.{kind}'


def log(run: Path, name: str) -> Path:
    """What the workers of an order have said."""
    return run / LOGS / f'{name}.log'


def open_log(path: Path) -> BinaryIO:
    """A log, open to add to; raises ValueError where something else lies in its place, such as a link or a pipe."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise ValueError(f'{path}: cannot be written ({error.strerror}); remove it: workers log there') from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise ValueError(f'{path}: is no regular file; remove it: workers log there')
    return open(handle, 'ab')


def last_words(path: Path, start: int = 0) -> str:
    """The last lines of a log from a byte on, as a part of a sentence; '' where it says nothing."""
    try:
        with regular.open_file(path) as file:
            file.seek(max(start, path.stat().st_size - TAIL))
            said = file.read().decode(errors='replace').splitlines()
    except OSError:
        return ''
    last = ' / '.join(line.strip() for line in said[-LINES:] if line.strip())
    return f'{path} ends: {last}' if last else ''
