"""How a command answers: on standard output, on standard error and by its exit status."""

import contextlib
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from archlab.loading import INTERRUPTED as INTERRUPTED

FINE, FELL_SHORT, BAD_INPUT, INTERNAL, TERMINATED = 0, 1, 2, 3, 143
AT_WORK, LEFT_OFF = 4, 5
"""The facts of `status` and `report --live` about an incomplete study."""
_CONTROL = {code: '\N{REPLACEMENT CHARACTER}' for code in (*range(32), *range(127, 160)) if chr(code) not in '\n\t'}


def printable(text: str) -> str:
    """A text without control characters: names and notes of others must not steer a terminal.

    >>> printable('a\\x1b[31mb')
    'a\ufffd[31mb'
    """
    return text.translate(_CONTROL)


class _Printable:
    """A table, or whatever else a console can show, without control characters in its texts."""

    def __init__(self, shown: RenderableType):
        self.shown = shown

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for part in console.render(self.shown, options):
            yield part if part.control else Segment(printable(part.text), part.style)


class Terminal(Console):
    """A console that prints texts as they are: without control characters, and without pictures for words between colons; and
    without markup or colours of numbers unless asked for.

    >>> import io
    >>> shown = Terminal(file=io.StringIO(), force_terminal=True, color_system='truecolor')
    >>> shown.print('mine.py:dna: 12 of [b]15[/b]')
    >>> shown.file.getvalue()
    'mine.py:dna: 12 of [b]15[/b]\\n'
    """

    def __init__(self, **options: object):
        super().__init__(emoji=False, **options)

    def print(self, *objects: object, markup: bool = False, highlight: bool = False, **options: object) -> None:
        def shown(one: object) -> object:
            return printable(one) if isinstance(one, str) else one if isinstance(one, Text) else _Printable(one)

        super().print(*map(shown, objects), markup=markup, highlight=highlight, **options)

    @property
    def file(self) -> TextIO:
        """The stream itself, also while a live display stands between: its own control characters are all that it gets."""
        file = Console.file.fget(self)
        while isinstance(file, Plain):
            file = file.rich_proxied_file
        return file

    @file.setter
    def file(self, file: TextIO) -> None:
        self._file = file


class Plain:
    """A stream whose texts have no control characters, wherever they come from; a console goes by it."""

    def __init__(self, stream: TextIO):
        self.rich_proxied_file = stream

    def write(self, text: str) -> int:
        return self.rich_proxied_file.write(printable(text))

    def writelines(self, lines: Iterable[str]) -> None:
        self.rich_proxied_file.writelines(map(printable, lines))

    def __getattr__(self, name: str) -> object:
        return getattr(self.rich_proxied_file, name)


@contextlib.contextmanager
def plain_output() -> Iterator[None]:
    """Within, what is printed has no control characters: names and notes of others must not steer a terminal."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (stream and Plain(stream) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


# A terminal of no width, as some give, is one whose width is not known; what draws help reads this too.
if os.environ.get('COLUMNS', 'not given').strip().strip('0') == '':
    os.environ['COLUMNS'] = '80'
OUT, ERR = Terminal(), Terminal(stderr=True)


def waiting(text: str) -> contextlib.AbstractContextManager:
    """Show on a terminal what is being done for the next seconds."""
    return ERR.status(text) if ERR.is_terminal else contextlib.nullcontext()


def print_json(value: object) -> None:
    """Print a value as JSON, for programs; a number that JSON does not have is an error."""
    print(json.dumps(value, indent=1, allow_nan=False))


def warn_skipped(skipped: Sequence[str]) -> None:
    """Name each unused record file on standard error."""
    for sentence in skipped:
        ERR.print(f'archlab: warning: skipped: {sentence}', style='yellow', soft_wrap=True)
