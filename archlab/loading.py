"""Loading: what has to be settled before a command's libraries are imported.

Ctrl-C is heard while they are. Linear algebra runs on one thread unless the user says otherwise: the matrices of a plan are
small, and two threads took three times the processor's time of one. Records of many trials are plain data without cycles, so
the search for cycles is made less often.
"""

import contextlib
import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator

STOPPED = 'archlab: stopped; what is recorded stays, and the same command goes on'
INTERRUPTED = 130
THREADS = 'OPENBLAS_NUM_THREADS'
NEW_OBJECTS = 100_000
"""After so many new objects that stay, cycles among them are searched for. Python's 700 took a twentieth of a large plan."""


def _is_command() -> bool:
    """Whether this process is a command of the lab, and no program of the user's own."""
    return os.path.basename(sys.argv[0] if sys.argv else '') in ('-m', 'archlab')


@contextlib.contextmanager
def plain_data() -> Iterator[None]:
    """Around what makes many objects without cycles, as records and trials are: a command searches for none among them.

    One that holds no other any more still goes at once.
    """
    if not (_is_command() and gc.isenabled()):
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        # The next search would go through all of them. A command ends without one (archlab/ending.py).
        gc.freeze()
        gc.enable()


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Around imports: of a command, Ctrl-C ends the process with one sentence; a program of the user's own stays as it is."""
    is_command = _is_command()
    if is_command and 'numpy' not in sys.modules:
        os.environ.setdefault(THREADS, '1')
    if is_command:
        gc.set_threshold(NEW_OBJECTS, *gc.get_threshold()[1:])
    is_heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not (is_command and is_heard and threading.current_thread() is threading.main_thread()):
        yield
        return

    def end(*_: object) -> None:
        os.write(2, f'{STOPPED}\n'.encode())
        os._exit(INTERRUPTED)

    signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
