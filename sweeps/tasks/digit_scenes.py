"""Digit scenes: two handwritten digits in two of four quarters of a canvas, each of a colour, as cells of 2 x 2 pixels."""

import itertools

import numpy as np

from sweeps.tasks.captioned_pictures import NOISE
from sweeps.tasks.digits import Digits

CLASSES, COLOURS = 10, 3
PATTERNS = 15
"""What ink may do in a cell of 2 x 2 pixels, where there is some."""
CELLS = 1 + COLOURS * PATTERNS
"""Sorts of cells: 0 is without ink, then come the patterns of one colour after the other."""


def scenes() -> np.ndarray:
    """All scenes, as quarter, colour and class of both: `[5400, 6]`."""
    values = list(itertools.product(range(COLOURS), range(CLASSES)))
    pairs = itertools.combinations(range(4), 2)
    return np.array([(one, *a, two, *b) for (one, two), a, b in itertools.product(pairs, values, values)])


def patterns(images: np.ndarray) -> np.ndarray:
    """The pattern of ink in each cell, 0 to 15, of images from -1 to 1; ink is what is 0 or above: `[n, 8, 8] -> [n, 4, 4]`.

    The upper left pixel counts 1, the upper right one 2, those below 4 and 8.

    >>> image = np.full((1, 8, 8), -1.0)
    >>> image[0, 0, 1] = image[0, 7, 7] = 0.5
    >>> patterns(image)[0, 0].tolist(), patterns(image)[0, 3].tolist()
    ([2, 0, 0, 0], [0, 0, 0, 8])
    """
    ink = (images >= 0).reshape(-1, 4, 2, 4, 2)
    return (ink * np.array([[1, 2], [4, 8]])[:, None]).sum((2, 4))


def drawn(generator: np.random.Generator, chosen: np.ndarray, sealed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Two pictures of each scene, of the same digits with noise of their own, as sorts of cells: `[n, 6] -> [n, 64], [n, 64]`.

    Digits are those of task digits, sealed ones where `sealed`. A twentieth of the cells is of any sort instead.
    """
    part = Digits().test() if sealed else Digits().pool()
    inked, members = patterns(part.x[..., 0]), [np.flatnonzero(part.y == number) for number in range(CLASSES)]
    cells = np.zeros((len(chosen), 8, 8), np.int64)
    for number, row in enumerate(chosen):
        for quarter, colour, figure in row.reshape(2, 3):
            top, left = 4 * (quarter // 2), 4 * (quarter % 2)
            own = inked[generator.choice(members[figure])]
            cells[number, top : top + 4, left : left + 4] = np.where(own > 0, PATTERNS * colour + own, 0)
    noisy = [generator.random(cells.shape) < NOISE for _ in range(2)]
    one, other = (np.where(own, generator.integers(0, CELLS, cells.shape), cells).reshape(len(chosen), -1) for own in noisy)
    return one, other
