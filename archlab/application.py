"""The command line: every command in the order of `archlab --help`, and the exit status."""

import contextlib
import gc
import os
import signal
import sys
import tempfile
import threading
import traceback
import types
from collections.abc import Iterator
from importlib.machinery import ExtensionFileLoader

import typer
from typer.exceptions import Abort, Exit, TyperException

from archlab import (
    benching,
    claims,
    clusters,
    data,
    exporting,
    findings,
    judging,
    models,
    opening,
    placing,
    publishing,
    running,
    searching,
    watching,
    weights,
)
from archlab import checking as blocks
from archlab import querying as records
from archlab.answers import BAD_INPUT, FINE, INTERNAL, INTERRUPTED, TERMINATED, plain_output, printable
from archlab.loading import STOPPED

app = typer.Typer(
    help='An architecture ablation laboratory: every model at its own best recipe, and a verdict with honest statistics.',
    epilog='Example: archlab run quickstart, then archlab report quickstart --out quickstart.html',
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
# The order of `archlab --help`. A part without a name adds its commands here, one with a name is a group of them.
for part in (
    models,
    running,
    watching,
    clusters,
    records,
    findings,
    opening,
    placing,
    claims,
    publishing,
    judging,
    searching,
    blocks,
    weights,
    exporting,
    data,
    benching,
):
    app.add_typer(part.commands)


AGAIN = 0.05
"""Seconds until a signal that was dropped, or came where it must not, is sent again."""
LOADING = ('create_module', 'exec_module')
"""What an ExtensionFileLoader does."""


def _one_line(error: BaseException) -> str:
    return printable(' '.join(str(error).split()))


@contextlib.contextmanager
def _ended_in_order(heard: list[int]) -> Iterator[None]:
    """Treat SIGTERM, the signal of schedulers, as Ctrl-C, so that workers end too; `heard` gets each such signal.

    Where Ctrl-C is ignored it stays so. Elsewhere than in the main thread signals are none of ours.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    timers: list[threading.Timer] = []

    def again(number: int) -> None:
        timers.append(threading.Timer(AGAIN, os.kill, (os.getpid(), number)))
        timers[-1].daemon = True
        timers[-1].start()

    def end(number: int, frame: types.FrameType | None) -> None:
        heard.append(number)
        if _loads_machine_code(frame):
            again(number)
        else:
            raise KeyboardInterrupt

    told = sys.unraisablehook

    def lost(raised: object) -> None:
        """Hear a signal again that came inside a callback of garbage collection or the like. Python drops errors there."""
        if not (heard and isinstance(raised.exc_value, KeyboardInterrupt)):
            told(raised)
            return
        again(heard[-1])

    numbers = [signal.SIGTERM]
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        numbers.append(signal.SIGINT)
    before = {number: signal.signal(number, end) for number in numbers}
    sys.unraisablehook = lost
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()
        sys.unraisablehook = told
        for number, handler in before.items():
            signal.signal(number, handler)


def _loads_machine_code(frame: types.FrameType | None) -> bool:
    """Whether a module of machine code is being loaded. What is raised there ends the process at once, or is dropped."""
    while frame is not None:
        if frame.f_code.co_name in LOADING and isinstance(frame.f_locals.get('self'), ExtensionFileLoader):
            return True
        frame = frame.f_back
    return False


def _stopped(heard: list[int]) -> int:
    print(STOPPED, file=sys.stderr)
    return TERMINATED if signal.SIGTERM in heard else INTERRUPTED


def _unread() -> int:
    """Nobody reads the answer any more, as after `| head`: what is left of it goes nowhere, and all is fine."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return FINE


def main(arguments: list[str] | None = None) -> int:
    """Run a command; gives the exit status: 0 fine, 1 fell short, 2 bad input, 3 internal error."""
    # Hundreds of thousands of records that stay are not worth looking through for garbage again and again.
    gc.set_threshold(100_000, 50, 50)
    heard: list[int] = []
    try:
        if sys.flags.optimize > 1:
            raise ValueError('python -OO or PYTHONOPTIMIZE=2 drops docstrings, which hold questions and shapes; run without')
        with _ended_in_order(heard), plain_output():
            result = app(arguments, standalone_mode=False)
        code = result if isinstance(result, int) else FINE
        if code == INTERRUPTED:  # what the same library makes of Ctrl-C
            code = _stopped(heard)
        if sys.stdout is not None:
            sys.stdout.flush()
    except Exit as stop:
        code = stop.exit_code
    except (Abort, KeyboardInterrupt):
        code = _stopped(heard)
    except TyperException as error:
        # Without a command the library shows the help, and has nothing to say.
        said = _one_line(error.format_message())
        said = f'{said.rstrip(".")}; see archlab --help' if said else 'no command; choose one of those above'
        print(f'archlab: error: {said}', file=sys.stderr)
        code = BAD_INPUT
    except ValueError as error:
        print(f'archlab: error: {_one_line(error)}', file=sys.stderr)
        code = BAD_INPUT
    except BrokenPipeError:
        code = _unread()
    except SystemExit as stop:  # what the library of the command line makes of a closed pipe
        if not isinstance(stop.__context__, BrokenPipeError):
            raise
        code = _unread()
    except OSError as error:
        place = f'{printable(str(error.filename))}: ' if error.filename else ''
        print(f'archlab: error: {place}{error.strerror or error}; check the path and the disk', file=sys.stderr)
        code = BAD_INPUT
    except Exception as error:
        if heard:  # what a library, such as a database, makes of an interrupt while it is at work
            return _stopped(heard)
        with tempfile.NamedTemporaryFile('w', prefix='archlab-', suffix='.log', delete=False) as log:
            traceback.print_exc(file=log)
        print(f'archlab: internal error: {type(error).__name__}: {_one_line(error)}; details: {log.name}', file=sys.stderr)
        code = INTERNAL
    return code
