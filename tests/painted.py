"""Painted: what a terminal shows, with its colours as words."""

import io
import re

from rich.console import Console

STYLES = {
    **{'1': 'bold', '2': 'dim', '3': 'italic', '31': 'red', '32': 'green', '33': 'yellow', '35': 'magenta', '36': 'cyan'},
    '0': '/',
}
"""The codes of a terminal for looks."""


def worded(text: str) -> str:
    """A text for a terminal, with its looks as words.

    >>> worded('\\x1b[1;31mbroken\\x1b[0m')
    '<bold red>broken</>'
    >>> worded('\\x1b[1mall\\x1b[0m\\x1b[1m bold\\x1b[0m')
    '<bold>all bold</>'
    """
    told = re.sub(r'\x1b\[([\d;]*)m', lambda code: f'<{" ".join(STYLES[one] for one in code[1].split(";"))}>', text)
    # What goes on in one look is one.
    return re.sub(r'<([a-z ]+)>[^<]*(?:</><\1>[^<]*)+</>', lambda run: run[0].replace(f'</><{run[1]}>', ''), told)


def painted(*shown: object, width: int = 80, **how: object) -> list[str]:
    """The lines of what a terminal of so many columns shows."""
    screen = io.StringIO()
    console = Console(file=screen, width=width, force_terminal=True, color_system='standard', legacy_windows=False, _environ={})
    for one in shown:
        console.print(one, **{'highlight': False, **how})
    return [worded(line.rstrip()) for line in screen.getvalue().splitlines()]
