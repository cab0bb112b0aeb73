"""Bad things: files that are none of the wanted kind, strange names and numbers, and inputs made of them."""

import dataclasses
import gzip
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

from archlab.answers import BAD_INPUT

DEEP = '[' * 200_000 + ']' * 200_000


STRANGE = (
    *('~', '~root', '*', '[a-z]*', '{a,b}', '%s%n', 'a b', "it's", '"quoted"', '$HOME', '-', '---', '...', ' ', 'a\tb', 'a\nb'),
    *('\x1b[31mred', '\x1b]0;title\x07', '[bold]x[/bold]', '[/bold]', 'Ünïcödé', '\u202egnp.exe', '\N{ZERO WIDTH SPACE}', '🙂'),
    *(
        '../../etc',
        '/',
        '/dev/null',
        '/dev/full',
        '/proc/self/mem',
        'x' * 300,
        'con',
        'a/b/c',
        "'; DROP TABLE",
        '\\',
        'quickstar',
    ),
)


NUMBERS = (
    '1e400',
    '-1',
    '0',
    'nan',
    'inf',
    '-inf',
    '10**9',
    '1e300',
    '1' + '0' * 30,
    '0x10',
    '1_0',
    '',
    'x',
    'None',
    '٣',
    '1e-400',
)


@dataclasses.dataclass(frozen=True)
class Bad:
    """A bad input: the arguments, and with which exit statuses it may be answered.

    `said` is what must be said, on whichever stream, where the exit status is not enough. `door` takes the arguments instead of
    the command line.
    """

    arguments: list[str]
    codes: tuple[int, ...] = (BAD_INPUT,)
    said: str = ''
    door: Callable[[list[str]], int] | None = None


def bad_file(path: Path, chance: random.Random, name: str = '') -> str:
    """Make something at a path that is no file of the wanted kind; gives what it is."""
    ways = {
        'absent': lambda: None,
        'empty': lambda: path.write_bytes(b''),
        'binary': lambda: path.write_bytes(chance.randbytes(chance.randint(1, 5000))),
        'zeros': lambda: path.write_bytes(b'\0' * 4096),
        'folder': path.mkdir,
        'pipe': lambda: os.mkfifo(path),
        'endless': lambda: path.symlink_to('/dev/zero'),
        'device': lambda: path.symlink_to('/dev/tty'),
        'nowhere': lambda: path.symlink_to('nowhere'),
        'itself': lambda: path.symlink_to(path.name),
        'deep': lambda: path.write_text(DEEP),
        'deep objects': lambda: path.write_text('{"a":' * 100_000 + '1' + '}' * 100_000),
        'list': lambda: path.write_text('[1, "two", null]'),
        'number': lambda: path.write_text('17'),
        'null': lambda: path.write_text('null'),
        'text': lambda: path.write_text('just words\n'),
        'nan': lambda: path.write_text('{"score": NaN, "id": 1e999}'),
        'long number': lambda: path.write_text('{"format": ' + '9' * 10_000 + '}'),
        'surrogate': lambda: path.write_text('{"study": "\\ud800", "id": "\\u0000"}'),
        'latin': lambda: path.write_bytes('{"größe": "ü"}'.encode('latin1')),
        'utf16': lambda: path.write_bytes('{"a": 1}'.encode('utf-16')),
        'packed': lambda: path.write_bytes(gzip.compress(b'\0' * (40 << 20))),
        'rows': lambda: path.write_bytes(gzip.compress(b'C\n' * 8_000_000, 1)),
        'line': lambda: path.write_text('x' * (3 << 20)),
    }
    way = name or chance.choice(list(ways))
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    ways[way]()
    return way
