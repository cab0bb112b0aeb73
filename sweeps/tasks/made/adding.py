"""adding: the sum of two marked numbers of a series."""

import numpy as np

from sweeps.datasets.prepared import Part
from sweeps.tasks.made.made_set import MadeSet

LENGTH = 32


def draw(generator: np.random.Generator, count: int, sealed: bool) -> Part:
    """The adding problem (Hochreiter and Schmidhuber 1997, Neural Computation 9, p. 1735) with LENGTH steps of two numbers.

    The first number of a step is any from 0 to 1, the second is 1 at one step of each half and 0 elsewhere. The value is the
    sum of the two marked numbers. The mean of all sums, 1, has an absolute error of 1/3.
    """
    x = np.zeros((count, LENGTH, 2), np.float32)
    x[..., 0] = generator.random((count, LENGTH), np.float32)
    half = LENGTH // 2
    marked = generator.integers(0, half, (count, 2)) + [0, half]
    np.put_along_axis(x[..., 1], marked, 1.0, 1)
    y = np.take_along_axis(x[..., 0], marked, 1).sum(1, keepdims=True)
    return Part(x, y.astype(np.float32), np.arange(count))


ADDING = MadeSet('adding', 'series', 'values', ('sum',), {'pool': 8704, 'test': 1024}, draw)
