"""How a command answers: on standard output, on standard error and by its exit status."""

import contextlib
import json
import os
from collections.abc import Sequence

from rich.console import Console

FINE, FELL_SHORT, BAD_INPUT, INTERNAL, INTERRUPTED, TERMINATED = 0, 1, 2, 3, 130, 143
_CONTROL = {code: '\N{REPLACEMENT CHARACTER}' for code in (*range(32), *range(127, 160)) if chr(code) not in '\n\t'}


def printable(text: str) -> str:
    """A text without control characters: names and notes of others must not steer a terminal.

    >>> printable('a\\x1b[31mb')
    'a\ufffd[31mb'
    """
    return text.translate(_CONTROL)


class Terminal(Console):
    """A console that prints texts without control characters, and without markup unless it is asked for."""

    def print(self, *objects: object, markup: bool = False, **options: object) -> None:
        super().print(*(printable(one) if isinstance(one, str) else one for one in objects), markup=markup, **options)


WIDTH = 80 if os.environ.get('COLUMNS', '').strip() in ('0', '00') else None
OUT, ERR = Terminal(width=WIDTH), Terminal(width=WIDTH, stderr=True)


def waiting(text: str) -> contextlib.AbstractContextManager:
    """Show on a terminal what is being done for the next seconds."""
    return ERR.status(text) if ERR.is_terminal else contextlib.nullcontext()


def print_json(value: object) -> None:
    """Print a value as JSON, for programs; a number that JSON does not have is an error."""
    print(json.dumps(value, indent=1, allow_nan=False))


def warn_skipped(skipped: Sequence[str]) -> None:
    """Name each unused record file on standard error."""
    for sentence in skipped:
        ERR.print(f'archlab: warning: skipped: {sentence}', style='yellow', highlight=False, soft_wrap=True)
