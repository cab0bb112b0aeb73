"""Surface: a Gaussian process of the score over the tuned values, from a few noisy trials, in numpy alone.

Points are unit coordinates (0 and 1 at the edges of the study's range); scores are in the good direction, higher better.

Lengths, noise and scale are not chosen but averaged over, weighted by their marginal likelihood (2.3 and 5.4 of Rasmussen and
Williams 2006). The prior mean is a hill whose top may lie anywhere: it falls off from the middle of the range, plus an unknown
slope. Under strong noise the top stays near the middle, because a study puts its range around the values that it expects to be
good. Along an extended coordinate the middle is that of the finite trials. Measurements are in LOG.md.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from results.stacks import stacked

FIRST = (0.25, 0.6, 1.5)
"""Length scales of the first coordinate, the learning rate."""
OTHERS = (0.5, 1.5, 5.0)
"""Length scales of the other coordinates, which usually matter less; with the last they hardly matter."""
NOISES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Variance of a single trial's noise, relative to the surface's own variance."""
LEVEL = 4.0
"""Variance of the surface's overall height, relative to the same."""
SLOPE = 1.0
"""Variance of the mean's slope along each coordinate, relative to the same: it lets the top of the mean lie anywhere."""
FALLS = (0.5, 2.0, 5.0)
"""How far the mean falls at distance 1 from the middle of the range, in standard deviations of the scores."""
OUTSIDE = 0.02
"""Further than this outside [0, 1] a trial belongs to an extension; values have six digits, so units are not exact."""
RARE = 1e-4
"""Sets of length scales with a smaller weight are left out."""
MOST = 64
"""At most this many trials of one replicate are fitted, the best: the work grows with the cube, and bad trials say little about
the top. Of several replicates together four times as many are."""
MANY = 2048
"""At most this many points are worked out at a time, so that memory stays small."""
LENGTHS = len(FIRST) * len(OTHERS)
LEAST = 4
"""The number of finite trials that a surface needs."""
FLOOR = 0.1


Trials = tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray | None]
"""What a surface is fitted to: the arguments of `fit`."""


def _squares(a: np.ndarray, b: np.ndarray, ordered: bool) -> np.ndarray:
    """Squared distances along one coordinate; without an order all different values are equally far apart.
    `[s, n], [s, m] -> [s, n, m]`"""
    gaps = a[:, :, None] - b[:, None]
    return gaps * gaps if ordered else (np.abs(gaps) > 1e-9).astype(float)


def _covariances(squares: np.ndarray, lengths: Sequence[float]) -> np.ndarray:
    """The covariance at squared distances, for each length. `[s, n, m] -> [s, l, n, m]`"""
    scales = -0.5 / np.array(lengths) ** 2
    return np.exp(scales[:, None, None] * squares[:, None])


def _factors(a: np.ndarray, b: np.ndarray, smooth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Factors of the covariance for all lengths: along the first coordinate, and along the others, which share a length.
    `[s, n, d], [s, m, d], [d] -> [s, i, n, m], [s, j, n, m]`, with j = 1 where there is no other."""
    first = _covariances(_squares(a[..., 0], b[..., 0], bool(smooth[0])), FIRST)
    if a.shape[-1] == 1:
        return first, np.ones((1, 1, 1, 1))
    others = _squares(a[..., 1], b[..., 1], bool(smooth[1]))
    for dim in range(2, a.shape[-1]):
        others = others + _squares(a[..., dim], b[..., dim], bool(smooth[dim]))
    return first, _covariances(others, OTHERS)


def _slopes(a: np.ndarray, b: np.ndarray, middle: np.ndarray, smooth: np.ndarray) -> np.ndarray:
    """The covariance by the unknown slope of the mean, which starts in the middle. `[s, n, d], [s, m, d] -> [s, n, m]`"""
    one, other = a - middle[:, None], b - middle[:, None]
    # No product of matrices: some processors round it in another way for one set of trials than for several.
    slopes = np.zeros((len(a), a.shape[1], b.shape[1]))
    for dim in np.flatnonzero(smooth):
        slopes += SLOPE * one[:, :, None, dim] * other[:, None, :, dim]
    return slopes


def squared_distance(points: np.ndarray, middle: np.ndarray, smooth: np.ndarray) -> np.ndarray:
    """Squared distance from the middle. `[..., d] -> [...]`"""
    return ((points - middle) ** 2)[..., smooth].sum(-1)


@dataclasses.dataclass(frozen=True)
class Surface:
    """A fitted surface; `fit` makes it.

    `noise` is the standard deviation of one trial around it, and `units` are the fitted points `[n, d]`. `smooth` `[d]` marks
    the coordinates with an order, and `middle` `[d]` is the place of the highest prior mean. `groups` is the number of
    replicates: the surface is that of their mean.

    Axes of what follows: i and j lengths of the first coordinate and of the others, f falls, v noises, k eigenvectors.
    `weights` `[i, j, n]` are those of the trials, and `spans` what an error is worked out from.
    """

    units: np.ndarray
    noise: float
    smooth: np.ndarray
    middle: np.ndarray
    groups: int
    height: float
    scale: float
    fall: float
    weights: np.ndarray
    spans: tuple[np.ndarray, ...]

    def mean(self, points: np.ndarray) -> np.ndarray:
        """The expected score, without a trial's noise. `[m, d] -> [m]`"""
        return np.concatenate([self._mean(points[at : at + MANY]) for at in range(0, len(points), MANY)])

    def _mean(self, points: np.ndarray) -> np.ndarray:
        (first,), (others,) = _factors(points[None], self.units[None], self.smooth)
        pulls = self.weights.sum((0, 1))
        bends = self.level * pulls.sum() + _slopes(points[None], self.units[None], self.middle[None], self.smooth)[0] @ pulls
        for other, weights in zip(others, self.weights.transpose(1, 0, 2), strict=True):
            bends += (other * sum(one * own for one, own in zip(first, weights, strict=True))).sum(1)
        return self.height + self.scale * (bends - self.fall * squared_distance(points, self.middle, self.smooth))

    def on_grid(self, axes: Sequence[np.ndarray]) -> np.ndarray:
        """The expected score on a grid of one or two coordinates. `[[a], [b]] -> [a, b]`"""
        return on_grids([self], [np.asarray(axis, float)[None] for axis in axes])[0]

    def error(self, point: np.ndarray) -> float:
        """The posterior standard deviation of the score at one point. `[d]`"""
        return errors([self], [point])[0]

    @property
    def level(self) -> float:
        """The variance of the height of the replicates' mean, as far as one of them tells it."""
        return LEVEL / self.groups

    @property
    def shape(self) -> tuple:
        """The parts of surfaces that can be computed together."""
        return (*self.units.shape, self.smooth.tobytes())


def on_grids(surfaces: Sequence[Surface], axes: Sequence[np.ndarray]) -> np.ndarray:
    """The expected scores of surfaces of one shape, each on a grid of its own. `[[s, a], [s, b]] -> [s, a, b]`"""
    units, weights, middle = (
        np.stack(parts) for parts in zip(*((s.units, s.weights, s.middle) for s in surfaces), strict=True)
    )
    level, height, scale, fall = np.array([(s.level, s.height, s.scale, s.fall) for s in surfaces]).T
    smooth, pulls = surfaces[0].smooth, weights.sum((1, 2))
    along = [_squares(axis, units[..., dim], bool(smooth[dim])) for dim, axis in enumerate(axes)]
    first = _covariances(along[0], FIRST)
    # [s, a, j, n]
    bends = sum(first[:, i, :, None] * weights[:, i, None] for i in range(len(FIRST)))
    if len(axes) == 1:
        bends = bends.sum((2, 3))
    else:
        others = _covariances(along[1], OTHERS).transpose(0, 1, 3, 2)
        bends = bends.reshape(*bends.shape[:2], -1) @ others.reshape(len(surfaces), bends.shape[2] * bends.shape[3], -1)
    columns = [
        (slice(None),) + tuple(slice(None) if other == dim else None for other in range(len(axes))) for dim in range(len(axes))
    ]
    each = (slice(None), *[None] * len(axes))
    bends = bends + (level * pulls.sum(1))[each]
    far = 0.0
    for dim in np.flatnonzero(smooth):
        away = axes[dim] - middle[:, [dim]]
        pull = ((units[..., dim] - middle[:, [dim]]) * pulls).sum(1)
        bends = bends + (SLOPE * away * pull[:, None])[columns[dim]]
        far = far + (away**2)[columns[dim]]
    return height[each] + scale[each] * (bends - fall[each] * far)


def errors(surfaces: Sequence[Surface], points: Sequence[np.ndarray]) -> list[float]:
    """The posterior standard deviation of each surface's score at a point of its own. `[s][d] -> [s]`"""
    return stacked(
        [surface.shape for surface in surfaces],
        [LENGTHS * surface.units.shape[0] ** 2 for surface in surfaces],
        lambda places: _errors([surfaces[place] for place in places], np.stack([points[place] for place in places])),
    )


def errors_along(surface: Surface, points: np.ndarray) -> np.ndarray:
    """The posterior standard deviation of one surface's score at each of some points. `[m, d] -> [m]`"""
    return np.array(_errors([surface], points))


def _errors(surfaces: list[Surface], points: np.ndarray) -> list[float]:
    """The error of each surface at its point, or of a single one at all of them. `[s, d] -> [s]`"""
    units, middle = np.stack([s.units for s in surfaces]), np.stack([s.middle for s in surfaces])
    level, scale = np.array([(s.level, s.scale) for s in surfaces]).T
    smooth = surfaces[0].smooth
    vectors, inverse, chances, wanted, scales = (np.stack(parts) for parts in zip(*(s.spans for s in surfaces), strict=True))
    first, others = _factors(points[:, None], units, smooth)
    common = level[:, None, None] + _slopes(points[:, None], units, middle, smooth)
    across = (first[:, :, None] * others[:, None] + common[:, None, None]) @ vectors
    far = squared_distance(points, middle, smooth)
    prior = (1 + level + SLOPE * far)[:, None, None, None]
    noises = inverse.swapaxes(-1, -2)
    left = np.maximum(prior - (across**2 @ noises)[..., 0, :], 0)
    centre = across * wanted @ noises - np.array(FALLS)[:, None] * far[:, None, None, None, None]
    whole = (1, 2, 3, 4)
    spread = (chances * (left[..., None, :] * scales + centre**2)).sum(whole) - (chances * centre).sum(whole) ** 2
    return (scale * np.sqrt(np.maximum(spread, 0.0))).tolist()


def fit(
    units: np.ndarray, scores: np.ndarray, smooth: np.ndarray | None = None, groups: np.ndarray | None = None
) -> Surface | None:
    """The surface through finite scores `[n]` at `units` `[n, d]`; None with fewer than LEAST of them.

    `smooth` `[d]` is False for coordinates without an order (choices). Scores that are not finite are left out. `groups` `[n]`
    numbers the replicate of each trial: replicates have the same surface, each at a height of its own.

    >>> units = np.linspace(0, 1, 8)[:, None]
    >>> fitted = fit(units, 0.9 - (units[:, 0] - 0.6) ** 2)
    >>> fitted.mean(np.array([[0.6]])).round(2).tolist(), fit(units[:3], np.zeros(3)) is None
    ([0.9], True)
    """
    return fits([(units, scores, smooth, groups)])[0]


def fits(asked: Sequence[Trials]) -> list[Surface | None]:
    """The surfaces through several sets of trials, each as `fit` gives it; sets of one shape are worked out together."""
    finite = [finite_ones(*trials) for trials in asked]
    made: list[Surface | None] = [None] * len(asked)
    enough = [place for place, (_, scores, _, _) in enumerate(finite) if len(scores) >= LEAST]
    shapes, sizes = [], []
    for units, scores, smooth, groups in (finite[place] for place in enough):
        count = 1 if groups is None else int(groups.max()) + 1
        shapes.append((*units.shape, smooth.tobytes(), count))
        sizes.append(LENGTHS * min(len(scores), most_fitted(count)) ** 2)

    def of_one_shape(places: list[int]) -> list[Surface]:
        units, scores, (smooth, *_), groups = zip(*(finite[enough[place]] for place in places), strict=True)
        count = shapes[places[0]][-1]
        ranks = np.zeros((len(places), len(scores[0])), int) if count == 1 else np.stack(groups)
        return _fits(np.stack(units), np.stack(scores), smooth, ranks, count)

    for place, surface in zip(enough, stacked(shapes, sizes, of_one_shape), strict=True):
        made[place] = surface
    return made


def most_fitted(groups: int) -> int:
    """The largest number of trials that are fitted, of so many replicates."""
    return MOST if groups == 1 else 4 * MOST


def finite_ones(units: np.ndarray, scores: np.ndarray, smooth: np.ndarray | None, groups: np.ndarray | None) -> Trials:
    """The trials with finite scores, and the replicates that they are of numbered from 0 on; None for a single one."""
    units, scores = np.asarray(units, float), np.asarray(scores, float)
    smooth = np.ones(units.shape[1], bool) if smooth is None else np.asarray(smooth, bool)
    finite = np.isfinite(scores)
    whole = finite.all()
    if not whole:
        units, scores = units[finite], scores[finite]
    if groups is not None and len(scores):
        present, groups = np.unique(np.asarray(groups)[finite], return_inverse=True)
        groups = groups if len(present) > 1 else None
    return units, scores, smooth, groups


def middle_of(units: np.ndarray) -> np.ndarray:
    """The middle of the range; along an extended coordinate the middle of the trials. `[s, n, d] -> [s, d]`"""
    low, high = units.min(1), units.max(1)
    return np.where((low < -OUTSIDE) | (high > 1 + OUTSIDE), (low + high) / 2, 0.5)


def scale_of(scores: np.ndarray, height: np.ndarray) -> np.ndarray:
    """The standard deviation of the scores around their height; 1 where they are all the same. `[s, n], [s] -> [s]`"""
    scale = scores.std(1)
    return np.where(scale > 1e-12 * np.maximum(np.abs(height), 1.0), scale, 1.0)


def chances_of(volume: np.ndarray, misfit: np.ndarray, count: int) -> np.ndarray:
    """The probability of each setting by its evidence; `volume` is the logarithm of the covariance's determinant.
    `[s, i, j, v], [s, i, j, f, v] -> [s, i, j, f, v]`"""
    evidence = -0.5 * volume[..., None, :] - 0.5 * (count + 1) * np.log(misfit)
    chances = np.exp(evidence - evidence.max((1, 2, 3, 4), keepdims=True))
    chances /= chances.sum((1, 2, 3, 4), keepdims=True)
    chances *= chances.sum((3, 4), keepdims=True) > RARE
    return chances / chances.sum((1, 2, 3, 4), keepdims=True)


def _fits(units: np.ndarray, scores: np.ndarray, smooth: np.ndarray, ranks: np.ndarray, groups: int) -> list[Surface]:
    """The surfaces of sets of trials of one shape. `[s, n, d], [s, n], [d], [s, n]`"""
    sets = len(units)
    middle = middle_of(units)
    apart = (ranks + groups * np.arange(sets)[:, None]).ravel()
    heights = np.bincount(apart, scores.ravel()) / np.bincount(apart)
    scores, height = scores - heights[apart].reshape(scores.shape), heights.reshape(sets, groups).mean(1)
    if scores.shape[1] > (most := most_fitted(groups)):
        places = np.sort(np.argsort(-scores, axis=1, kind='stable')[:, :most], axis=1)
        units, scores, ranks = (
            units[np.arange(sets)[:, None], places],
            np.take_along_axis(scores, places, 1),
            np.take_along_axis(ranks, places, 1),
        )
    count, scale = scores.shape[1], scale_of(scores, height)
    # Axes: s sets, i and j lengths, f falls, v noises, k eigenvectors.
    first, others = _factors(units, units, smooth)
    common = LEVEL * (ranks[:, :, None] == ranks[:, None]) + _slopes(units, units, middle, smooth)
    roots, vectors = np.linalg.eigh(first[:, :, None] * others[:, None] + common[:, None, None])
    distance = squared_distance(units, middle[:, None], smooth)
    wanted = scores[:, None] / scale[:, None, None] + np.array(FALLS)[:, None] * distance[:, None]
    wanted = wanted[:, None, None] @ vectors
    values = np.maximum(roots, 0)[..., None, :] + np.array(NOISES)[:, None]
    inverse = 1 / values
    misfit = wanted**2 @ inverse.swapaxes(-1, -2) + FLOOR
    chances = chances_of(np.log(values).sum(-1), misfit, count)
    scales = misfit / (count + 1)
    weights = (vectors @ (chances @ inverse * wanted).sum(-2)[..., None])[..., 0]
    noise = scale * np.sqrt((chances * scales * np.array(NOISES)).sum((1, 2, 3, 4)))
    fall = (chances.sum((1, 2, 4)) * np.array(FALLS)).sum(-1)
    numbers = zip(noise.tolist(), height.tolist(), scale.tolist(), fall.tolist(), strict=True)
    return [
        Surface(
            units[s],
            own,
            smooth,
            middle[s],
            groups,
            top,
            size,
            falls,
            weights[s],
            (vectors[s], inverse[s], chances[s], wanted[s], scales[s]),
        )
        for s, (own, top, size, falls) in enumerate(numbers)
    ]


def together(replicates: Sequence[tuple[np.ndarray, np.ndarray]], smooth: Sequence[bool]) -> Trials:
    """The trials of replicates, [(units `[n, d]`, scores `[n]`)], to be fitted by one surface."""
    units, scores = (np.concatenate([np.asarray(part, float) for part in parts]) for parts in zip(*replicates, strict=True))
    sizes = [len(scores) for _, scores in replicates]
    groups = np.repeat(np.arange(len(sizes)), sizes) if len(sizes) > 1 else None
    return units, scores, np.asarray(smooth, bool), groups
