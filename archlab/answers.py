"""How a command answers: on standard output, on standard error and by its exit status."""

import contextlib
import json
from collections.abc import Sequence

from rich.console import Console

FINE, FELL_SHORT, BAD_INPUT, INTERNAL = 0, 1, 2, 3
OUT, ERR = Console(), Console(stderr=True)


def waiting(text: str) -> contextlib.AbstractContextManager:
    """Show on a terminal what is being done for the next seconds."""
    return ERR.status(text) if ERR.is_terminal else contextlib.nullcontext()


def print_json(value: object) -> None:
    """Print a value as JSON, for programs; a number that JSON does not have is an error."""
    print(json.dumps(value, indent=1, allow_nan=False))


def warn_skipped(skipped: Sequence[str]) -> None:
    """Name each unused record file on standard error."""
    for sentence in skipped:
        ERR.print(f'archlab: warning: skipped: {sentence}', style='yellow', highlight=False, soft_wrap=True, markup=False)
