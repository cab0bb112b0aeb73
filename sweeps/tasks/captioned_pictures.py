"""Captioned pictures: small pictures of four levels with captions in words, and questions about them.

`blocks` are made: two figures in two of four quarters, each of a colour, with noise on single pixels. `digits` are handwritten
(scikit-learn's, CC BY 4.0), with their class as the caption.
"""

import dataclasses
import itertools
import math
from collections.abc import Callable

import numpy as np

from ablations.seeds import derive
from sweeps.tasks.digits import Digits
from sweeps.tasks.probes.synthetic import SEALED_SHARE, fingerprints

SIDE, LEVELS = 8, 4
CAPTION = 6
"""Words of a caption; shorter ones are filled up with BEGIN."""
BEGIN, COLOUR, FIGURE = LEVELS, LEVELS + 1, LEVELS + 2
"""The first words: what begins a sequence, and the two questions."""
QUARTERS = range(LEVELS + 3, LEVELS + 7)
VALUES = LEVELS + 7
"""The first word of values: of three colours and four figures, or of ten classes."""
VOCABULARY = VALUES + 10
NOISE = 0.05
"""The share of pixels of blocks that have any level instead of their own."""
FIGURES = np.array(
    [
        [[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1]],
        [[1, 1, 1, 1], [1, 0, 0, 1], [1, 0, 0, 1], [1, 1, 1, 1]],
        [[1, 0, 0, 1], [0, 1, 1, 0], [0, 1, 1, 0], [1, 0, 0, 1]],
        [[0, 1, 1, 0], [1, 1, 1, 1], [1, 1, 1, 1], [0, 1, 1, 0]],
    ],
    np.uint8,
)
"""A square, a frame, a cross and a disc."""
BLOCKS = {'pool': 4096, 'test': 512}


@dataclasses.dataclass(frozen=True)
class Pictures:
    """Pictures as levels `[n, 64]`, captions `[n, 6]`, a question `[n, 2]` and its answer `[n]` each, and what a split keeps
    together, `[n]`."""

    levels: np.ndarray
    captions: np.ndarray
    questions: np.ndarray
    answers: np.ndarray
    group: np.ndarray


def scenes() -> np.ndarray:
    """All scenes of blocks, as quarter, colour and figure of both: `[864, 6]`."""
    values = list(itertools.product(range(3), range(len(FIGURES))))
    pairs = itertools.combinations(range(4), 2)
    return np.array([(one, *a, two, *b) for (one, two), a, b in itertools.product(pairs, values, values)])


def drawn(generator: np.random.Generator, chosen: np.ndarray) -> np.ndarray:
    """Pictures of scenes, with noise: `[n, 6] -> [n, 64]`."""
    image = np.zeros((len(chosen), SIDE, SIDE), np.uint8)
    for number, row in enumerate(chosen):
        for quarter, colour, figure in row.reshape(2, 3):
            top, left = 4 * (quarter // 2), 4 * (quarter % 2)
            image[number, top : top + 4, left : left + 4] = (1 + colour) * FIGURES[figure]
    noisy = generator.random(image.shape) < NOISE
    return np.where(noisy, generator.integers(0, LEVELS, image.shape), image).reshape(len(chosen), -1)


def blocks(sealed: bool) -> Pictures:
    """Pictures of blocks; every eighth scene, by its hash, is of the test split alone."""
    there = scenes()
    there = there[(fingerprints(there) % SEALED_SHARE == 0) == sealed]
    generator = np.random.default_rng(derive('pictures', 'blocks', 'test' if sealed else 'pool'))
    count = BLOCKS['test' if sealed else 'pool']
    scene = generator.integers(0, len(there), count)
    chosen = there[scene]
    levels = drawn(generator, chosen)
    captions = chosen + np.tile([QUARTERS[0], VALUES, VALUES + 3], 2)
    which, what = generator.integers(0, 2, count), generator.integers(0, 2, count)
    rows = np.arange(count)
    questions = np.stack([np.where(what, FIGURE, COLOUR), captions[rows, 3 * which]], 1)
    return Pictures(levels, captions, questions, captions[rows, 3 * which + 1 + what], scene)


def digits(sealed: bool) -> Pictures:
    """Handwritten digits of four levels; the question is which digit it is."""
    part = Digits().test() if sealed else Digits().pool()
    levels = np.clip((part.x[..., 0] * 8 + 8) // 4, 0, LEVELS - 1).astype(np.uint8).reshape(len(part.x), -1)
    captions = np.full((len(levels), CAPTION), BEGIN)
    captions[:, -1] = VALUES + part.y
    questions = np.tile([FIGURE, BEGIN], (len(levels), 1))
    return Pictures(levels, captions, questions, VALUES + part.y, part.group)


SOURCES: dict[str, Callable[[bool], Pictures]] = {'blocks': blocks, 'digits': digits}


def noise_bits() -> float:
    """What a pixel of blocks takes in bits where its scene is known: the least there is.

    >>> round(noise_bits(), 3)
    0.29
    """
    other = NOISE / LEVELS
    own = 1 - (LEVELS - 1) * other
    return -own * math.log2(own) - (LEVELS - 1) * other * math.log2(other)
