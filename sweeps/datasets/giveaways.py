"""Giveaways: single numbers of an example, such as its length, that alone tell its class more often than chance."""

from collections.abc import Callable, Sequence

import numpy as np

BINS, IN_A_BIN = 16, 25
"""The most bins of a rule, and how many examples each has at least: with fewer a rule repeats its noise."""
ERRORS = 3
"""How many standard errors above chance a number must tell the class to be named."""


def _grey(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float32).mean(-1)


def _edges(x: np.ndarray) -> float:
    """The mean difference of neighbouring columns."""
    return float(np.abs(np.diff(_grey(x), axis=1)).mean())


def _blocks(x: np.ndarray) -> float:
    """How much more columns differ where JPEG's blocks of 8 meet than elsewhere."""
    steps = np.abs(np.diff(_grey(x), axis=1)).mean(0)
    return float(steps[7::8].mean() - steps.mean()) if len(steps) > 8 else 0.0


def _share(x: np.ndarray, wanted: np.ndarray) -> float:
    return float(wanted[x].mean()) if len(x) else 0.0


_BYTES = np.arange(256)
_UPPER = (_BYTES >= 65) & (_BYTES <= 90)
_LETTERS = _UPPER | (_BYTES >= 97) & (_BYTES <= 122)

NUMBERS: dict[str, dict[str, Callable[[np.ndarray], float]]] = {
    'images': {
        'brightness': lambda x: float(x.mean()),
        'contrast': lambda x: float(_grey(x).std()),
        'colour': lambda x: float(np.ptp(x.astype(np.int16), -1).mean()),
        'sharpness': _edges,
        'blocks of 8 pixels': _blocks,
    },
    'texts': {
        'length': len,
        'lines': lambda x: int((x == 10).sum()),
        'share of letters': lambda x: _share(x, _LETTERS),
        'share of capitals': lambda x: _share(x, _UPPER),
        'share beyond ASCII': lambda x: _share(x, _BYTES > 127),
    },
}
"""Kind of set -> what a number is called, and how it is taken from an example."""


def giveaways(kind: str, examples: Sequence[np.ndarray], y: np.ndarray) -> dict[str, float]:
    """The numbers that tell the class alone, by how often: a rule of a few bins from every second example, tried on the others.

    `examples` of one kind, uint8, with their classes `[n]`; the strongest number first. A set of another kind has none.
    """
    told, counts = {}, np.bincount(y[1::2])
    if len(y) < 4:
        return {}
    chance = counts.max() / counts.sum()
    least = chance + ERRORS * (chance * (1 - chance) / counts.sum()) ** 0.5
    for name, number in NUMBERS.get(kind, {}).items():
        share = _told(np.array([number(x) for x in examples], float), y)
        if share > least:
            told[name] = share
    return dict(sorted(told.items(), key=lambda one: -one[1]))


def _told(values: np.ndarray, y: np.ndarray) -> float:
    """How often the commonest class of a value's bin is right."""
    bins = min(max(len(values[::2]) // IN_A_BIN, 2), BINS)
    bounds = np.unique(np.quantile(values[::2], np.linspace(0, 1, bins + 1)[1:-1]))
    places = np.searchsorted(bounds, values, side='right')
    table = np.zeros((len(bounds) + 1, int(y.max()) + 1), np.int64)
    np.add.at(table, (places[::2], y[::2]), 1)
    return float((table.argmax(1)[places[1::2]] == y[1::2]).mean())
