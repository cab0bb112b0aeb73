"""Presence: small files in a run's folder that tell of its workers, and of the run itself, at their places.

Each is RUN/present/NAME@HOST-PID.json. Its writer touches it every few seconds. So any process that sees the folder can tell
who is still there, and nobody has to be asked. They are advice only: records alone say what is done.
"""

import contextlib
import dataclasses
import json
import os
import platform
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from results.store import atomic, regular

FOLDER = 'present'
RUN = 'run'
"""The name under which a run itself is present; workers have the names of their orders."""
BEAT = 10.0
"""Seconds between two touches of a file."""
SILENCE = 90.0
"""Seconds after which a writer that has not touched its file counts as gone: clocks and shared folders may lag."""


@dataclasses.dataclass(frozen=True)
class Present:
    """Who is at work under a `name`, since when and until when it was `heard` of: seconds since 1970. `about` is plain data."""

    path: Path
    name: str
    host: str
    pid: int
    since: float
    heard: float
    about: dict

    def is_there(self, now: float) -> bool:
        """Whether it was heard of lately."""
        return now - self.heard < SILENCE

    @property
    def seconds(self) -> float:
        """How long it was at work, as far as it was heard of."""
        return max(0.0, self.heard - self.since)


@contextlib.contextmanager
def present(run: Path, name: str, **about: object) -> Iterator[None]:
    """Within, this process is present under a name, with what there is to say about it.

    A folder that cannot be written to is no error here: what has to be written there says so itself.
    """
    path = run / FOLDER / f'{name}@{platform.node()}-{os.getpid()}.json'
    told = {'name': name, 'host': platform.node(), 'pid': os.getpid(), 'since': time.time(), **about}
    ended = threading.Event()
    with contextlib.suppress(ValueError):
        atomic.replace(path, json.dumps(told), lasting=False, follow=False)
    beat = threading.Thread(target=_touch, args=(path, ended), daemon=True)
    beat.start()
    try:
        yield
    finally:
        ended.set()
        beat.join()
        with contextlib.suppress(OSError):
            path.unlink()


def _touch(path: Path, ended: threading.Event) -> None:
    while not ended.wait(BEAT):
        with contextlib.suppress(OSError):
            os.utime(path)


def everybody(run: Path, name: str = '') -> list[Present]:
    """All writers with a file, also absent ones, or those of one name; what cannot be read is left out."""
    there = []
    for path in sorted((run / FOLDER).glob(f'{name}@*.json' if name else '*.json')):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            about = json.loads(regular.read(path))
            own = (str(about.pop('name')), str(about.pop('host')), int(about.pop('pid')), float(about.pop('since')))
            there.append(Present(path, *own, path.stat().st_mtime, about))
    return there


def forget(run: Path, name: str) -> float:
    """Remove the files of a worker that is known to be gone; gives the seconds that it was at work, as far as is known."""
    gone = everybody(run, name)
    for one in gone:
        with contextlib.suppress(OSError):
            one.path.unlink()
    return sum(one.seconds for one in gone)


def tidy(run: Path) -> None:
    """Remove the files of those that are gone."""
    now = time.time()
    for one in everybody(run):
        if not one.is_there(now):
            with contextlib.suppress(OSError):
                one.path.unlink()
