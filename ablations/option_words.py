"""Option words: how an option of a reader is written where its user writes it, on the command line or in a file of tasks."""

import contextlib
import contextvars
import shlex
from collections.abc import Iterator

IN_A_FILE: contextvars.ContextVar[bool] = contextvars.ContextVar('IN_A_FILE', default=False)
"""Whether what is read now was declared in a file."""
FLAGS = ('grey', 'partial', 'skip_damaged', 'unverified')
CALLED = {'name': 'dataset', 'as': 'read'}
"""What a file calls otherwise than the command line."""


@contextlib.contextmanager
def in_a_file() -> Iterator[None]:
    """Within, options are told as a file of tasks states them."""
    before = IN_A_FILE.set(True)
    try:
        yield
    finally:
        IN_A_FILE.reset(before)


def option(name: str, value: object = None) -> str:
    """An option, with a value where one is given, as the user at hand writes it.

    >>> option('token_type', 'uint16'), option('partial')
    ('--token-type uint16', '--partial')
    >>> option('mark', '<|endoftext|>'), option('inputs', ('age', 'body weight'))
    ("--mark '<|endoftext|>'", "--inputs 'age,body weight'")
    >>> with in_a_file():
    ...     option('token_type', 'uint16'), option('partial'), option('size'), option('name', 'NAME')
    ("token_type='uint16'", 'partial=True', 'size=', "dataset='NAME'")
    """
    if IN_A_FILE.get():
        told = True if name in FLAGS else value
        return f'{CALLED.get(name, name)}={"" if told is None else repr(told)}'
    word = f'--{name.replace("_", "-")}'
    if value is None or name in FLAGS:
        return word
    return f'{word} {shlex.quote(",".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value))}'
