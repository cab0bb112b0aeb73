"""collections: images of the same figures as four collectors would take them, each with habits of its own.

A collector prefers some figures, frames them nearer to the middle or not, has the light from one side, warmer or colder
colours, and a finer or coarser grain. No habit gives one image away: they overlap.
"""

import dataclasses

import numpy as np

from sweeps.datasets.prepared import Part
from sweeps.tasks.made.made_set import MadeSet
from sweeps.tasks.made.shape_images import FIGURES, SIZE, figures


@dataclasses.dataclass(frozen=True)
class Collector:
    """Habits: the shares of FIGURES, how far from the middle a figure stands (1: anywhere), the direction of the light in
    quarter turns, the gain of red over blue, and the deviation of the grain."""

    shares: tuple[float, ...]
    spread: float
    light: int
    warmth: float
    grain: float


COLLECTORS = {
    'north': Collector((0.4, 0.3, 0.2, 0.1), 1.0, 0, 1.06, 10),
    'east': Collector((0.3, 0.4, 0.1, 0.2), 0.6, 1, 1.0, 14),
    'south': Collector((0.2, 0.1, 0.4, 0.3), 1.0, 2, 0.94, 14),
    'west': Collector((0.1, 0.2, 0.3, 0.4), 0.6, 3, 1.0, 10),
}
LIGHT = 24
"""Levels between the two sides of an image, on average; they vary by as much."""


def drawn(generator: np.random.Generator, collector: Collector, count: int) -> np.ndarray:
    """Images uint8 `[n, 16, 16, 3]` of one figure each; its colour and its ground are not the collector's."""
    masks, room = figures(), SIZE - 7
    kinds = generator.choice(len(FIGURES), count, p=collector.shares)
    middle = room / 2 + collector.spread * generator.uniform(-room / 2, room / 2, (count, 2))
    places = np.rint(middle).astype(int)
    ground = generator.uniform(40, 215, (count, 1, 1, 3))
    figure = (ground[:, 0, 0] - 40 + generator.uniform(50, 125, (count, 3))) % 175 + 40
    image = np.tile(ground, (1, SIZE, SIZE, 1))
    for number, (top, left) in enumerate(places):
        image[number, top : top + 7, left : left + 7][masks[kinds[number]]] = figure[number]
    ramp = np.rot90(np.tile(np.linspace(-0.5, 0.5, SIZE)[:, None], (1, SIZE)), collector.light)
    image += (LIGHT * generator.normal(1, 1, (count, 1, 1)) * ramp)[..., None]
    gain = collector.warmth * np.exp(generator.normal(0, 0.06, (count, 1, 1)))
    image *= np.stack([gain, np.ones_like(gain), 1 / gain], -1)
    image += generator.normal(0, collector.grain, image.shape)
    return np.clip(image, 0, 255).round().astype(np.uint8)


def draw(generator: np.random.Generator, count: int, sealed: bool) -> Part:
    """As many images of each collector."""
    each = count // len(COLLECTORS)
    x = np.concatenate([drawn(generator, collector, each) for collector in COLLECTORS.values()])
    return Part(x, np.repeat(np.arange(len(COLLECTORS), dtype=np.int32), each), np.arange(len(x)))


IMAGE_COLLECTIONS = MadeSet('collections', 'images', 'class', tuple(COLLECTORS), {'pool': 4096, 'test': 1024}, draw)
