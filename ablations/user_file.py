"""User file: a Python file of the user's own, run from the very bytes that its hash is of.

Python's compiled files are neither read nor written: they are known by size and time, so that of two versions of equal length
within a second the older one would run.
"""

import contextlib
import contextvars
import errno
import hashlib
import importlib.util
import os
import re
import signal
import stat
import sys
import threading
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

STOPS = (Exception, SystemExit)
"""What a user's code may raise where the lab calls it, inside `of_user`; an interrupt is not its to raise."""


FOLDER = contextvars.ContextVar('FOLDER', default='.')
"""The folder of a user's file while it runs: relative paths in it start there."""
RUNNING: contextvars.ContextVar[ModuleType | None] = contextvars.ContextVar('RUNNING', default=None)
"""The module that a user's file is making while it runs."""


class NotToRaise(Exception):
    """A user's code raised KeyboardInterrupt itself, or another BaseException."""


@contextlib.contextmanager
def of_user() -> Iterator[None]:
    """Around a user's code: an interrupt that it raises itself becomes a `NotToRaise`; that of Ctrl-C or SIGTERM passes.

    `os._exit` raises SystemExit there, so that no command ends half-way with the status of success. A child process of the
    user's code, and another thread, still end by it.

    >>> with of_user():
    ...     raise KeyboardInterrupt
    Traceback (most recent call last):
    ablations.user_file.NotToRaise: it raises KeyboardInterrupt, which is Python's own; raise an Exception instead
    """
    arrived = []
    # Handlers are the main thread's alone, and only there does a signal become an exception.
    is_main = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)} if is_main else {}
    before = {number: handler for number, handler in before.items() if callable(handler)}

    def note(number: int, frame: object) -> None:
        arrived.append(number)
        before[number](number, frame)

    end_process, here = os._exit, (os.getpid(), threading.get_ident())

    def leave(status: int) -> object:
        if (os.getpid(), threading.get_ident()) != here:
            return end_process(status)
        raise SystemExit(status)

    for number in before:
        signal.signal(number, note)
    os._exit = leave
    try:
        yield
    except STOPS:
        raise
    except BaseException as error:
        if arrived:
            raise
        raise NotToRaise(f"it raises {type(error).__name__}, which is Python's own; raise an Exception instead") from error
    finally:
        os._exit = end_process
        for number, handler in before.items():
            signal.signal(number, handler)


def content_hash(content: bytes) -> str:
    """The hash by which studies and records know a version of a file."""
    return hashlib.sha256(content).hexdigest()[:16]


def in_words(error: BaseException) -> str:
    """What a user's code raised, on one line; code that ends its process says why in the lab's words.

    >>> in_words(KeyError('lr')), in_words(MemoryError()), in_words(SystemExit(0))
    ("KeyError: 'lr'", 'MemoryError', 'it ends the process (SystemExit: 0); remove sys.exit or os._exit')
    """
    if isinstance(error, NotToRaise):
        return str(error)
    said = _without_frames(str(error)).split()
    told = ' '.join([f'{type(error).__name__}{":" if said else ""}', *said])
    ends = isinstance(error, SystemExit) or ' SystemExit:' in told
    return f'it ends the process ({told}); remove sys.exit or os._exit' if ends else told


def _without_frames(told: str) -> str:
    """What an error says, without the frames of a traceback that stands in it: a compiled program tells so of its callbacks.

    >>> _without_frames('it failed: Traceback (most recent call last):\\n  File "block.py", line 3, in measure\\nKeyError: 7')
    'it failed: block.py, line 3: KeyError: 7'
    """
    before, mark, frames = told.partition('Traceback (most recent call last):')
    if not mark:
        return told
    last = [line for line in frames.splitlines() if line.strip() and not line.startswith(' ')]
    # Frames of packages say nothing to a user: the last that is not of an installed one is his.
    places = [place for place in re.findall(r'File "(.+?)", line (\d+)', frames) if 'site-packages' not in place[0]]
    where = [f'{name}, line {line}:' for name, line in places if name != __file__][-1:]
    return ' '.join([before.strip(), *where, *last[-1:]])


def _content(path: Path | str) -> bytes:
    """The bytes of a file; raises OSError also for a pipe or a device: these may have no end."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(handle, 'rb') as file:
        mode = os.fstat(handle).st_mode
        if not stat.S_ISREG(mode):
            number, said = (errno.EISDIR, 'Is a directory') if stat.S_ISDIR(mode) else (errno.EINVAL, 'it is no regular file')
            raise OSError(number, said, str(path))
        return file.read()


def compiled(path: Path | str, expected: str = '') -> CodeType:
    """The code of a Python file. `expected` is the required hash of the file, if any.

    Raises ValueError where it cannot be read, is not Python or has changed; the sentence goes on after the name of the file.
    """
    try:
        content = _content(path)
    except OSError as error:
        raise ValueError(f'cannot be read ({error.strerror}); check the path') from None
    if expected and content_hash(content) != expected:
        raise ValueError(
            f'has changed since it was read (its hash was {expected}, now it is {content_hash(content)}); '
            'run again: the trials of the new version have ids of their own'
        )
    try:
        return compile(content, str(path), 'exec', dont_inherit=True)
    except (SyntaxError, ValueError) as error:  # ValueError is what older Pythons say of a null byte
        raise ValueError(f'does not load: SyntaxError: {error}; give a Python file') from error


def blank(code: CodeType, called: str) -> ModuleType:
    """The module that the code of a file is to fill."""
    path = Path(code.co_filename)
    name = f'{called}_{path.stem}'
    # The loader is given: for a name without .py Python finds none.
    spec = importlib.util.spec_from_file_location(name, path, loader=SourceFileLoader(name, str(path)))
    return importlib.util.module_from_spec(spec)


def run(code: CodeType, called: str, module: ModuleType | None = None) -> ModuleType:
    """The module that the code of a file makes, found in `sys.modules` under `called` and the name of the file.

    `module` is one of `blank` to fill, for whoever wants what a file made before it raised. Relative paths in the file start at
    its folder. Raises whatever the code raises (`STOPS`, or the interrupt of a signal that came meanwhile).
    """
    module = module or blank(code, called)
    spec = module.__spec__
    before = sys.modules.get(spec.name)
    # Dataclasses look their module up by name where annotations are strings (from __future__ import annotations).
    sys.modules[spec.name] = module
    folder, running = FOLDER.set(str(Path(code.co_filename).parent)), RUNNING.set(module)
    try:
        with of_user():
            exec(code, module.__dict__)
    except BaseException:
        del sys.modules[spec.name]
        if before is not None:
            sys.modules[spec.name] = before
        raise
    finally:
        FOLDER.reset(folder)
        RUNNING.reset(running)
    return module
