"""syntax: what each byte of Python's own sources is: part of a name, a string, a comment ..."""

import io
import keyword
import tokenize

import numpy as np

from sweeps.datasets.prepared import Part
from sweeps.tasks.made.library_files import pieces, sources
from sweeps.tasks.made.made_set import MadeSet, of_windows, windows

WORDS = ('space', 'name', 'keyword', 'number', 'string', 'comment', 'operator')
LENGTH = 64
FOLDERS = ('', 'asyncio', 'concurrent/futures', 'email', 'http', 'importlib', 'json', 'multiprocessing', 'unittest', 'urllib')
MOST = {False: 32, True: 24}
"""The largest number of pieces from a module: of the test split fewer, from more modules, because modules are what varies."""


def of_bytes(text: str) -> np.ndarray:
    """The word class of each byte of a source of ASCII, by the module `tokenize`: int32 `[N]`.

    >>> [WORDS[number] for number in of_bytes('if x: 1')]
    ['keyword', 'keyword', 'space', 'name', 'operator', 'space', 'number']
    """
    known = {tokenize.NUMBER: 3, tokenize.STRING: 4, tokenize.COMMENT: 5, tokenize.OP: 6}
    starts = np.cumsum([0, *map(len, text.splitlines(keepends=True))])
    made = np.zeros(len(text), np.int32)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        number = known.get(token.type, 0)
        if token.type == tokenize.NAME:
            number = 2 if keyword.iskeyword(token.string) else 1
        (first, left), (last, right) = token.start, token.end
        if number:
            made[starts[first - 1] + left : starts[last - 1] + right] = number
    return made


def draw(generator: np.random.Generator, count: int, sealed: bool) -> Part:
    """Pieces of LENGTH bytes from modules of 2 to 24 kB, a module in one split, with the word class of each byte."""
    rows, y, group, left = [], [], [], count
    for number, (path, own, new) in enumerate(pieces(sources(FOLDERS, 2_000, 24_000), sealed, LENGTH)):
        text = path.read_text(encoding='utf-8')
        if not text.isascii() or '\f' in text or not left:
            continue
        chosen = np.sort(generator.permutation(new)[: min(MOST[sealed], left)])
        rows.append(own[chosen])
        y.append(windows(of_bytes(text), LENGTH)[chosen])
        group.append(np.full(len(chosen), number))
        left -= len(chosen)
    if left:
        raise ValueError(f'syntax: {count - left} pieces, {count} needed; use a Python with more modules')
    return of_windows(rows, y, group)


SYNTAX = MadeSet('syntax', 'texts', 'map', WORDS, {'pool': 3072, 'test': 768}, draw)
