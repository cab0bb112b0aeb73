"""Optimum: the highest point of a fitted surface in a box.

Points are unit coordinates (0 and 1 at the edges of the study's range).
"""

import functools
from collections.abc import Sequence

import numpy as np

from results.stacks import stacked
from results.surface import FIRST, OTHERS, Surface, on_grids

TICKS = 17
"""The number of places along each coordinate of a grid."""

Peak = tuple[np.ndarray, float]
"""A point `[d]`, and the height of the surface there."""


def candidates(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Points that fill a box evenly, its corners included up to two dimensions. `[d], [d] -> [m, d]`.

    >>> candidates(np.array([0.0]), np.array([1.0]))[:3].ravel().tolist()
    [0.0, 0.0625, 0.125]
    """
    if len(low) <= 2:
        return _product([np.linspace(*ends, TICKS) for ends in zip(low, high, strict=True)])
    return low + _filling(len(low)) * (high - low)


def _product(axes: Sequence[np.ndarray]) -> np.ndarray:
    return np.stack(np.meshgrid(*axes, indexing='ij'), -1).reshape(-1, len(axes))


@functools.cache
def _filling(dims: int) -> np.ndarray:
    """Points that fill a unit cube evenly in any dimension: multiples of powers of the root of x^(d+1) = x + 1. `[m, d]`"""
    root = 2.0
    for _ in range(60):
        root = (1 + root) ** (1 / (dims + 1))
    return (0.5 + np.arange(1, 1025)[:, None] * root ** -np.arange(1.0, dims + 1)) % 1


def with_choices(surface: Surface, points: np.ndarray) -> np.ndarray:
    """The points at each value that was tried of each coordinate without an order. `[m, d] -> [k, d]`"""
    for dim in np.flatnonzero(~surface.smooth):
        tried = np.unique(surface.units[:, dim])
        copies = np.repeat(points[None], len(tried), 0)
        copies[:, :, dim] = tried[:, None]
        points = np.unique(copies.reshape(-1, points.shape[1]), axis=0)
    return points


def best(surface: Surface, low: np.ndarray, high: np.ndarray) -> Peak:
    """The highest point of the surface in a box, and its height: a coarse search, then a fine one around the best.

    A coordinate without an order keeps a value that was tried.

    >>> from results.surface import fit
    >>> units = np.linspace(0, 1, 8)[:, None]
    >>> point, height = best(fit(units, 0.9 - (units[:, 0] - 0.6) ** 2), np.array([0.0]), np.array([1.0]))
    >>> point.round(1).tolist(), round(height, 2)
    ([0.6], 0.9)
    """
    return bests([surface], [low], [high])[0]


def bests(surfaces: Sequence[Surface], lows: Sequence[np.ndarray], highs: Sequence[np.ndarray]) -> list[Peak]:
    """The highest point of each surface in a box of its own, as `best` gives it; those of one shape together."""
    choices = [{int(dim): np.unique(surface.units[:, dim]) for dim in np.flatnonzero(~surface.smooth)} for surface in surfaces]
    shapes = [(*surface.shape, *(len(tried) for tried in own.values())) for surface, own in zip(surfaces, choices, strict=True)]

    def of_one_shape(places: list[int]) -> list[Peak]:
        some, (low, high) = (
            [surfaces[place] for place in places],
            (np.stack([ends[p] for p in places]) for ends in (lows, highs)),
        )
        if low.shape[1] > 2:
            return [_best_of_many(*one) for one in zip(some, low, high, strict=True)]
        tried = {dim: np.stack([choices[place][dim] for place in places]) for dim in choices[places[0]]}
        points, _ = _highest_on_grids(some, low, high, tried)
        reach = np.where(some[0].smooth, (high - low) / (TICKS - 1), 0.0)
        near = np.maximum(points - reach, low), np.minimum(points + reach, high)
        points, heights = _highest_on_grids(some, *near, {dim: points[:, [dim]] for dim in tried})
        return list(zip(points, heights.tolist(), strict=True))

    return stacked(shapes, [len(FIRST) * len(OTHERS) * TICKS * len(surface.units) for surface in surfaces], of_one_shape)


def _highest_on_grids(
    surfaces: list[Surface], low: np.ndarray, high: np.ndarray, choices: dict[int, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """The highest points of even grids; of a coordinate without an order only its choices are on them.
    `[s, d], [s, d] -> [s, d], [s]`"""
    axes = [choices[dim] if dim in choices else _axes(low[:, dim], high[:, dim]) for dim in range(low.shape[1])]
    means = on_grids(surfaces, axes)
    sides, means = means.shape[1:], means.reshape(len(means), -1)
    each = np.arange(len(means))
    places = _places(means)
    points = np.stack([axis[each, at] for axis, at in zip(axes, np.unravel_index(places, sides), strict=True)], 1)
    return points, means[each, places]


def _axes(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Even steps from low to high. `[s] -> [s, t]`"""
    axes = low[:, None] + np.arange(TICKS) * ((high - low) / (TICKS - 1))[:, None]
    axes[:, -1] = high
    return axes


def _best_of_many(surface: Surface, low: np.ndarray, high: np.ndarray) -> Peak:
    """The best among points that fill a box of more than two dimensions."""
    point, _ = _highest(surface, with_choices(surface, candidates(low, high)))
    reach = np.where(surface.smooth, (high - low) / (TICKS - 1), 0.0)
    near = candidates(np.maximum(point - reach, low), np.minimum(point + reach, high))
    return _highest(surface, np.where(surface.smooth, near, point))


def _highest(surface: Surface, points: np.ndarray) -> Peak:
    means = surface.mean(points)
    place = int(_places(means[None])[0])
    return points[place], float(means[place])


def _places(means: np.ndarray) -> np.ndarray:
    """Where the highest is; rounded, so that every machine takes the same one of tied points. `[s, m] -> [s]`"""
    top, spread = means.max(1, keepdims=True), np.ptp(means, axis=1, keepdims=True)
    return np.argmax(np.round((means - top) / np.maximum(spread, 1e-300), 9), axis=1)
