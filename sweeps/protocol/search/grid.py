"""Grid: an even design of all the points at once, moved by the seed."""

import math
from collections.abc import Mapping

import numpy as np

from ablations.choices import Choice
from ablations.space_rules import Tunable


def levels(space: Mapping[str, Tunable], count: int) -> list[int]:
    """The number of levels of each value in a grid of about `count` points; the first number is the length of a column.

    A choice gets all its levels if there are enough points. Each other value, from the last to the second, gets the integer
    part of the root that would share the remaining points evenly. So the first value, the learning rate, never has fewer
    levels.
    """
    values, counts = list(space.values()), [1] * len(space)
    left = float(count)
    ordered = [place for place in range(1, len(values)) if not isinstance(values[place], Choice)]
    for place in range(1, len(values)):
        if isinstance(values[place], Choice):
            counts[place] = max(1, min(values[place].levels, math.floor(left)))
            left /= counts[place]
    for number, place in enumerate(reversed(ordered)):
        share = math.floor(max(left, 1) ** (1 / (len(ordered) + 1 - number)) + 1e-9)
        counts[place] = int(min(share, values[place].levels))
        left /= counts[place]
    counts[0] = math.ceil(count / math.prod(counts[1:]))
    return counts


class Grid:
    """A grid whose columns run along the learning rate, moved by a seeded fraction of a cell.

    The levels of the other values make columns. Points are dealt to the columns in turn, so columns differ by at most one point
    if the number of points is no product (10 points over two values: columns of 4, 3 and 3). Each column spaces its own
    learning rates evenly. An unmoved grid would be the same in every replicate, and the spread over replicates would not show
    the noise of tuning. So the seed moves all levels of a value by the same fraction of a cell, orders the levels of a choice,
    and shuffles the points. A grid does not grow: more points make another grid.
    """

    adaptive = False

    @staticmethod
    def points(space: Mapping[str, Tunable], seen: tuple, count: int, first: int, seed: int) -> np.ndarray:
        generator = np.random.default_rng([seed, first])
        sizes = levels(space, count)
        shift = generator.random(len(space))
        # Which of its values a level of a choice stands for: with fewer levels than values the seed says which are left out.
        orders = [generator.permutation(int(v.levels)) if isinstance(v, Choice) else None for v in space.values()]
        columns = math.prod(sizes[1:])
        # Columns that get one point more lie anywhere, not all in the first corner.
        column = generator.permutation(columns)[np.arange(count) % columns]
        row = np.arange(count) // columns
        units = np.empty((count, len(space)))
        units[:, 0] = (row + shift[0]) / np.bincount(column, minlength=columns)[column]
        rest = column
        for place in range(1, len(space)):
            level, rest = rest % sizes[place], rest // sizes[place]
            if orders[place] is not None:
                units[:, place] = (orders[place][level] + 0.5) / len(orders[place])
            else:
                units[:, place] = (level + shift[place]) / sizes[place]
        return generator.permutation(np.minimum(units, np.nextafter(1.0, 0.0)))
