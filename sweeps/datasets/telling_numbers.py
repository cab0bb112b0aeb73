"""Telling numbers: what is no content and alone tells the answer in a set of images, series, sounds, texts or arrays.

Such as the length of a series before it was filled, the size of an image before it was cut, or one pixel. Whether it gives the
answer away can't be known: it is named, and stays.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from sweeps.datasets.giveaways import NUMBERS
from sweeps.datasets.prepared import Part
from sweeps.datasets.telling import FEWEST, codes_of, numbers_rows, telling

EXAMPLES, BYTES = 2000, 1 << 26
"""How many examples of the pool are looked at, at most, and how many bytes of them."""
PLACES, CELLS = 4096, 32
"""How many places of an example are looked at, at most; images are looked at by cells, so many a side."""
FIRST, FIRST_OF_A_CLASS, PROMISING = 250, 25, 0.8
"""A place is looked at whole if in so many examples it leaves less than this share of what the commonest answer gets wrong."""
NAMED = 6
"""How many numbers are named."""
MOST_NAMES = 100
"""Names of more classes are not looked for in texts."""


def telling_numbers(
    kind: str,
    pool: Part,
    form: str | None,
    names: Sequence[str] | None,
    stored: Mapping[str, Sequence[object]] | None = None,
) -> list[str]:
    """A sentence on each number, of an example of the pool, that alone tells its answer.

    `names` are those of the classes or targets. `stored` {what: value by example} is known of the files of the examples.
    """
    if pool.y is None or form not in ('class', 'labels', 'values') or len(pool) < 2 * FEWEST:
        return []
    size = max(pool.x.nbytes // len(pool), 1)
    count = min(len(pool), EXAMPLES, max(BYTES // size, 2 * FEWEST))
    chosen = np.random.default_rng(0).permutation(len(pool))[:count]
    xs, y = [np.asarray(pool.example(place)) for place in chosen.tolist()], np.asarray(pool.y[chosen])
    known = list(names or ())

    def told(numbers: Iterable[tuple[str, np.ndarray]]) -> list[str]:
        return [
            f'{name} alone tells {what}'
            for name, codes in numbers
            if np.ptp(np.nan_to_num(codes, nan=-1e300))
            for what in telling(codes, form, y, known, 'examples')
        ]

    said = told(
        (f'the {name.replace("_", " ")} of its file', codes_of([values[place] for place in chosen]))
        for name, values in (stored or {}).items()
    )
    said += told((f'the {name}', codes) for name, codes in _numbers(kind, xs, known if form == 'class' else []))
    if kind == 'tables':
        said += [
            f'feature {place} has another whole number in every example, as a number of the row has'
            for place, numbers in enumerate(np.asarray(pool.x).T[:PLACES])
            if numbers_rows(numbers.astype(np.float64))
        ]
    # A single place of an example stands for others, which often tell as much.
    first = max(FIRST, FIRST_OF_A_CLASS * len(known))
    places = told(
        (name, codes)
        for name, codes in (_places(kind, xs, len(y.T) if y.ndim > 1 else 1) if pool.offsets is None else ())
        if len(y) <= first or telling(codes[:first], form, y[:first], known, '', PROMISING)
    )
    said += places[:1] + [f'and so do {len(places) - 1:,} other places of an example'] * (len(places) > 1)
    return said[:NAMED] + [f'and {len(said) - NAMED} more tell it alone'] * (len(said) > NAMED)


def _numbers(kind: str, xs: list[np.ndarray], classes: list[str]) -> Iterator[tuple[str, np.ndarray]]:
    """What a number of an example is called, and its values; not of single places of it."""
    for name, number in NUMBERS.get('texts' if kind == 'molecules' else kind, {}).items():
        yield name, np.array([number(x) for x in xs], np.float64)
    if kind in ('series', 'maps', 'sounds'):
        flat = [x.astype(np.float64) for x in xs]
        yield 'mean', np.array([x.mean() if x.size else np.nan for x in flat])
        yield 'deviation', np.array([x.std() if x.size else np.nan for x in flat])
        yield 'smallest number', np.array([x.min(initial=np.inf) for x in flat])
        yield 'largest number', np.array([x.max(initial=-np.inf) for x in flat])
    if kind == 'series':
        yield 'length without the zeros at its end', np.array([_filled(x) for x in xs], np.float64)
    if kind in ('sounds', 'tokens'):
        yield 'length', np.array([len(x) for x in xs], np.float64)
    if kind == 'tokens':
        yield 'first token', np.array([x[0] if len(x) else np.nan for x in xs], np.float64)
        yield 'last token', np.array([x[-1] if len(x) else np.nan for x in xs], np.float64)
    if kind == 'texts':
        texts = [bytes(x).decode('utf-8', 'replace').lower() for x in xs]
        words = [text.split() or [''] for text in texts]
        yield 'first word', codes_of([own[0] for own in words])
        yield 'last word', codes_of([own[-1] for own in words])
        if 1 < len(classes) <= MOST_NAMES:
            yield 'name of a class in the text', _named(texts, classes)


def _filled(x: np.ndarray) -> int:
    """How many steps a series has before the zeros at its end."""
    there = np.flatnonzero(x.reshape(len(x), -1).any(1))
    return int(there[-1]) + 1 if len(there) else 0


def _named(texts: list[str], classes: list[str]) -> np.ndarray:
    """The class whose name a text has first, as a whole word; NaN where it has none."""
    places = {name.lower(): place for place, name in enumerate(classes)}
    longest = sorted(filter(None, places), key=len, reverse=True)
    if not longest:
        return np.full(len(texts), np.nan)
    looked = re.compile(rf'(?<!\w)(?:{"|".join(map(re.escape, longest))})(?!\w)')
    return np.array([places[match[0]] if (match := looked.search(text)) else np.nan for text in texts], np.float64)


def _places(kind: str, xs: list[np.ndarray], targets: int) -> Iterator[tuple[str, np.ndarray]]:
    """The values at single places of examples of one shape; of an image the means of its cells."""
    x, cell = np.stack(xs), 1
    if x[0].size < 2:
        return
    if kind == 'images':
        cell = -(-max(x.shape[1:3]) // CELLS)
        high, wide = (max(side // cell, 1) for side in x.shape[1:3])
        x = x[:, : high * cell, : wide * cell]
        if cell > 1 and min(x.shape[1:3]) >= cell:
            x = x.reshape(len(x), high, cell, wide, cell, -1).mean((2, 4))
    flat = x.reshape(len(x), -1)
    step = -(-flat.shape[1] // max(PLACES // targets, 1))
    for place in range(0, flat.shape[1], step):
        at = [int(one) for one in np.unravel_index(place, x.shape[1:])]
        yield _place(kind, at, cell), flat[:, place].astype(np.float64)


def _place(kind: str, at: list[int], cell: int) -> str:
    """What a place is called.

    >>> _place('images', [0, 3, 1], 1), _place('series', [7], 1), _place('tables', [2], 1)
    ('channel 1 of the pixel in row 0, column 3', 'step 7', 'feature 2')
    """
    if kind == 'images':
        what = 'the pixel' if cell == 1 else f'the square of {cell} pixels'
        return f'channel {at[2]} of {what} in row {at[0] * cell}, column {at[1] * cell}'
    if kind == 'series':
        return f'step {at[0]}' + (f' of number {at[1]}' if len(at) > 1 else '')
    return f'feature {at[0]}' if kind == 'tables' else f'the number at {at}'
