"""shapes: small grey images of overlapping figures, with the figure of each pixel, or the kinds of figures."""

import numpy as np

from sweeps.datasets.prepared import Part
from sweeps.tasks.made.made_set import MadeSet

SIZE = 16
FIGURES = ('square', 'disc', 'cross', 'frame')
MISSING = 0.1
"""The share of labels that are missing."""


def figures() -> np.ndarray:
    """The figures on grids of 7 x 7 pixels: bool `[4, 7, 7]`."""
    y, x = np.abs(np.mgrid[-3:4, -3:4])
    far = np.maximum(x, y)
    return np.stack([far <= 2, x**2 + y**2 <= 10, (np.minimum(x, y) <= 0) | (np.minimum(x, y) <= 1) & (far <= 1), far == 3])


def drawn(generator: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 `[n, 16, 16, 1]`, and the figure of each pixel, 0 for none: int32 `[n, 16, 16]`.

    An image has one to three figures, of any kind and place; a later one covers earlier ones. The ground has any grey, and each
    figure another one, by a quarter of the range or more. So only the outline tells figures apart, under noise.
    """
    masks, room = figures(), SIZE - 7
    grey = generator.uniform(0, 256, (count, 1))
    grey = np.concatenate([grey, (grey + generator.uniform(64, 192, (count, 3))) % 256], 1)
    image, of_figure = np.tile(grey[:, :1, None], (1, SIZE, SIZE)), np.zeros((count, SIZE, SIZE), np.int32)
    places, kinds = generator.integers(0, room + 1, (count, 3, 2)), generator.integers(0, len(masks), (count, 3))
    for number, many in enumerate(generator.integers(1, 4, count)):
        for which in range(many):
            (top, left), kind = places[number, which], kinds[number, which]
            window = slice(top, top + 7), slice(left, left + 7)
            image[number][window][masks[kind]] = grey[number, 1 + which]
            of_figure[number][window][masks[kind]] = kind + 1
    image = np.clip(image + generator.normal(0, 12, image.shape), 0, 255)
    return image.round().astype(np.uint8)[..., None], of_figure


def draw_map(generator: np.random.Generator, count: int, sealed: bool) -> Part:
    """Images with the figure of each pixel."""
    return Part(*drawn(generator, count), np.arange(count))


def draw_labels(generator: np.random.Generator, count: int, sealed: bool) -> Part:
    """Images with a label for each kind of figure, whether one of its pixels is seen; a tenth of the labels is missing."""
    x, of_figure = drawn(generator, count)
    there = (of_figure.reshape(count, -1, 1) == np.arange(1, len(FIGURES) + 1)).any(1)
    y = np.where(generator.random(there.shape) < MISSING, np.nan, there)
    return Part(x, y.astype(np.float32), np.arange(count))


SHAPES = MadeSet('shapes', 'images', 'map', ('ground', *FIGURES), {'pool': 2560, 'test': 1024}, draw_map)
SHAPE_LABELS = MadeSet('shape_labels', 'images', 'labels', FIGURES, {'pool': 2560, 'test': 1024}, draw_labels)
