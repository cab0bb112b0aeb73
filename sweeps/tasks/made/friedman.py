"""friedman: a number from ten others, by a known function and noise."""

import numpy as np

from sweeps.datasets.prepared import Part
from sweeps.tasks.made.made_set import MadeSet


def draw(generator: np.random.Generator, count: int, sealed: bool) -> Part:
    """The first function of Friedman (1991, Annals of Statistics 19, p. 37), of ten numbers, all equally likely from 0 to 1.

    y = 10 sin(pi x1 x2) + 20 (x3 - 1/2)^2 + 10 x4 + 5 x5 + e, with e of mean 0 and deviation 1: no model has an RMSE below 1,
    and the mean has one of 5.
    """
    x = generator.random((count, 10), np.float32)
    # In float64, so that what machines round differently is lost in the rounding to float32.
    one, two, three, four, five = x[:, :5].T.astype(np.float64)
    y = 10 * np.sin(np.pi * one * two) + 20 * (three - 0.5) ** 2 + 10 * four + 5 * five
    y = y + generator.standard_normal(count)
    return Part(x, y[:, None].astype(np.float32), np.arange(count))


FRIEDMAN = MadeSet('friedman', 'tables', 'values', ('y',), {'pool': 5120, 'test': 2048}, draw)
