"""Loading: Ctrl-C while the command line is still being imported, before a command could hear it."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator

STOPPED = 'archlab: stopped; what is recorded stays, and the same command goes on'
INTERRUPTED = 130


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Around imports: of a command, Ctrl-C ends the process with one sentence; of a program of the user's own it stays his."""
    is_command = os.path.basename(sys.argv[0] if sys.argv else '') in ('-m', 'archlab')
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
