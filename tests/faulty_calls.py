"""Faulty calls: of the system calls by which files are written one fails, is interrupted, or is the last of its process.

`strike` runs some work in a process of its own (a fork, so this is for processes without threads) and lets the call number `at`
go wrong in one of the WAYS. What the work leaves behind is then for the caller to judge.
"""

import errno
import os
import pathlib
import sys
from collections.abc import Callable
from types import TracebackType

from results.store import atomic

WAYS = ('full', 'denied', 'broken', 'torn', 'interrupted before', 'interrupted after', 'killed before', 'killed after')
"""The disk is full, the place not writable, the disk broken; half is written; Ctrl-C and a kill, before and after the call."""
ERRORS = {'full': errno.ENOSPC, 'denied': errno.EACCES, 'broken': errno.EIO, 'torn': errno.ENOSPC}
CALLS = ('open', 'fsync', 'replace', 'rename', 'link', 'mkdir', 'unlink')
KILLED = 137
WRITERS = [atomic]
"""The modules whose own `open` goes wrong; what writes elsewhere adds its module."""


class FaultyCalls:
    """A context in which one call goes wrong; `count` says how many were made."""

    def __init__(self, way: str, at: int):
        self.way, self.at, self.count = way, at, 0
        self.real = {name: getattr(os, name) for name in CALLS}

    def __enter__(self) -> 'FaultyCalls':
        for name, real in self.real.items():
            setattr(os, name, self.faulty(real))
        for module in WRITERS:
            module.open = self.open
        self.write_bytes = pathlib.Path.write_bytes
        pathlib.Path.write_bytes = lambda path, content: self.written(path, content)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for name, real in self.real.items():
            setattr(os, name, real)
        for module in WRITERS:
            del module.open
        pathlib.Path.write_bytes = self.write_bytes

    def faulty(self, real: Callable) -> Callable:
        def call(*given: object, **named: object) -> object:
            struck = self.before()
            answer = real(*given, **named)
            if struck:
                self.after()
            return answer

        return call

    def before(self) -> bool:
        """Count a call, and let it go wrong before it does anything; whether it is to go wrong after."""
        self.count += 1
        if self.count != self.at:
            return False
        if self.way in ERRORS:
            raise OSError(ERRORS[self.way], os.strerror(ERRORS[self.way]))
        if self.way.endswith('before'):
            self.stop()
        return True

    def after(self) -> None:
        if self.way.endswith('after'):
            self.stop()

    def stop(self) -> None:
        if self.way.startswith('killed'):
            os._exit(KILLED)
        raise KeyboardInterrupt

    def write(self, file: object, content: bytes) -> int:
        """Write; torn, half of it. Gives the number of bytes."""
        if self.count + 1 == self.at and self.way in ('torn', 'killed after'):
            file.write(content[: len(content) // 2])
            file.flush()
        struck = self.before()
        file.write(content)
        if struck:
            self.after()
        return len(content)

    def open(self, path: object, mode: str = 'r', **named: object) -> object:
        faults, file = self, open(path, mode, **named)  # noqa: SIM115 - closed on exit

        class Struck:
            def __enter__(self):
                return self

            def __exit__(self, *_):
                file.close()

            def write(self, content: bytes):
                return faults.write(file, content)

            def __getattr__(self, name: str):
                return getattr(file, name)

        return Struck()

    def written(self, path: pathlib.Path, content: bytes) -> int:
        with open(path, 'wb') as file:
            self.write(file, content)
        return len(content)


def strike(work: Callable[[], object], way: str, at: int) -> int:
    """Do some work in a process of its own with one faulty call: 0 where it ended well, 1 where it raised, 137 where killed.

    2 where fewer than `at` calls were made.
    """
    child = os.fork()
    if not child:
        code = 1
        try:
            with FaultyCalls(way, at) as faults:
                work()
                code = 0 if faults.count >= at else 2
        except (ValueError, OSError, KeyboardInterrupt):
            pass
        except BaseException as error:  # what is no answer to a fault is one to be mended
            print(f'{type(error).__name__}: {error}', file=sys.stderr, flush=True)
            code = 3
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def calls_of(work: Callable[[], object]) -> int:
    """How many calls some work makes."""
    with FaultyCalls('none', 0) as faults:
        work()
    return faults.count
