"""Loading: what has to be settled before a command's libraries are imported.

Ctrl-C is heard while they are. Linear algebra runs on one thread unless the user says otherwise: the matrices of a plan are
small, and two threads took three times the processor's time of one.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator

STOPPED = 'archlab: stopped; what is recorded stays, and the same command goes on'
INTERRUPTED = 130
THREADS = 'OPENBLAS_NUM_THREADS'


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Around imports: of a command, Ctrl-C ends the process with one sentence; a program of the user's own stays as it is."""
    is_command = os.path.basename(sys.argv[0] if sys.argv else '') in ('-m', 'archlab')
    if is_command and 'numpy' not in sys.modules:
        os.environ.setdefault(THREADS, '1')
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
