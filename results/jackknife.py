"""Jackknife: the surfaces of all replicates but one, from the factors of the surface of all.

The covariance of the trials that stay is that of all without some rows and columns, and with another slope where the middle
moves. Its determinant and what its inverse gives follow from the factors of all by a small matrix for what is changed (Schur's
complement, Woodbury's identity). That takes a sixth of the time of factors of its own.
"""

import dataclasses

import numpy as np

from results.surface import (
    FALLS,
    FLOOR,
    LEAST,
    NOISES,
    SLOPE,
    Surface,
    Trials,
    chances_of,
    finite_ones,
    fits,
    middle_of,
    most_fitted,
    scale_of,
    squared_distance,
)


def without_each(trials: Trials, surface: Surface) -> list[Surface | None]:
    """The surfaces through all trials but those of one replicate, by its number: as `fit` gives them but for the last bits.

    `surface` is the one through all of them. None where fewer than LEAST finite trials stay. The surfaces have no errors. Where
    there are more trials than are fitted, surfaces do not follow from it and are fitted.

    >>> from results.surface import fit
    >>> units, ranks = np.tile(np.linspace(0, 1, 8), 3)[:, None], np.repeat(np.arange(3), 8)
    >>> trials = units, 0.1 * ranks - (units[:, 0] - 0.6) ** 2, None, ranks
    >>> [without.groups for without in without_each(trials, fit(*trials))]
    [2, 2, 2]
    """
    units, scores, smooth, ranks = finite_ones(*trials)
    ranks = np.zeros(len(scores), int) if ranks is None else ranks
    heights = np.bincount(ranks, scores) / np.bincount(ranks)
    made: list[Surface | None] = []
    for rank in range(surface.groups):
        stays = ranks != rank
        count = int(stays.sum())
        if count < LEAST:
            made.append(None)
        elif len(scores) > most_fitted(surface.groups) or count > most_fitted(surface.groups - 1):
            made += fits([(units[stays], scores[stays], smooth, ranks[stays])])
        else:
            made.append(_without(surface, stays, np.where(stays, scores - heights[ranks], 0.0), np.delete(heights, rank)))
    return made


def _without(surface: Surface, stays: np.ndarray, scores: np.ndarray, heights: np.ndarray) -> Surface:
    """The surface through the trials that stay; `scores` are 0 for the others, `heights` those of the replicates that stay.
    `[n], [n], [r]`"""
    vectors, inverse, *_ = surface.spans
    middle, height, count = middle_of(surface.units[stays][None])[0], float(heights.mean()), int(stays.sum())
    (scale,) = scale_of(scores[stays][None], np.array([height])).tolist()
    distance = np.where(stays, squared_distance(surface.units, middle, surface.smooth), 0.0)
    # Axes: i and j lengths, f falls, v noises, k eigenvectors, n trials, m what changes, p the parts of what is wanted.
    parts = np.stack([scores / scale, distance]) @ vectors
    moved, own = _changes(surface, stays, middle)
    rows, gone = np.concatenate([vectors[..., ~stays, :], moved @ vectors], -2), len(stays) - count
    # [i, j, v, m, k]
    spread = rows[:, :, None] * inverse[..., None, :]
    block = spread @ rows.swapaxes(-1, -2)[:, :, None] + own
    reached = spread @ parts.swapaxes(-1, -2)[:, :, None]
    taken = np.linalg.solve(block, reached)
    # [i, j, v, p, p]
    grams = (parts[:, :, None] * inverse[..., None, :]) @ parts.swapaxes(-1, -2)[:, :, None] - reached.swapaxes(-1, -2) @ taken
    falls = np.array(FALLS)[:, None]
    misfit = grams[:, :, None, :, 0, 0] + 2 * falls * grams[:, :, None, :, 0, 1] + falls**2 * grams[:, :, None, :, 1, 1] + FLOOR
    volume = np.linalg.slogdet(block)[1] - np.log(inverse).sum(-1) - np.linalg.slogdet(own[gone:, gone:])[1]
    chances = chances_of(volume[None], misfit[None], count)[0]
    # What the parts weigh for each noise. [i, j, v, p]
    shares = np.stack([chances.sum(2), (chances * falls).sum(2)], -1)
    pulled = (inverse * (shares @ parts)).sum(2) - ((taken * shares[..., None, :]).sum(-1)[..., None, :] @ spread)[
        ..., 0, :
    ].sum(2)
    return dataclasses.replace(
        surface,
        noise=float(scale * np.sqrt((chances * misfit / (count + 1) * np.array(NOISES)).sum())),
        middle=middle,
        groups=len(heights),
        height=height,
        scale=scale,
        fall=float((chances * falls).sum()),
        weights=np.where(stays, (vectors @ pulled[..., None])[..., 0], 0.0),
        spans=(),
    )


def _changes(surface: Surface, stays: np.ndarray, middle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What changes in the covariance: the slopes of a middle that moves, beside the rows that go; what stands for each of these
    and those, the rows that go first. `[m - gone, n], [m, m]`

    Where a middle moves by s, (a - s) (b - s) = a b + s s - s b - a s: the rows s and a, with [[1, -1], [-1, 0]] between them.
    """
    moved = np.flatnonzero(surface.smooth & (middle != surface.middle))
    gone = int((~stays).sum())
    rows, own = [np.empty((0, len(stays)))], np.zeros((gone + 2 * len(moved),) * 2)
    for number, dim in enumerate(moved):
        by = np.full(len(stays), middle[dim] - surface.middle[dim])
        rows.append(np.stack([by, surface.units[:, dim] - surface.middle[dim]]))
        place = gone + 2 * number
        own[place : place + 2, place : place + 2] = np.linalg.inv(SLOPE * np.array([[1.0, -1.0], [-1.0, 0.0]]))
    return np.concatenate(rows), own
