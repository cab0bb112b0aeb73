"""Surface: a Gaussian process of the score over the tuned values, from a few noisy trials, in numpy alone.

Points are unit coordinates (0 and 1 at the edges of the study's range); scores are in the good direction, higher better.

Lengths, noise and scale are not chosen but averaged over, weighted by their marginal likelihood (2.3 and 5.4 of Rasmussen and
Williams 2006). The prior mean is a hill whose top may lie anywhere: it falls off from the middle of the range, plus an unknown
slope. Under strong noise the top stays near the middle, because a study puts its range around the values that it expects to be
good. Along a coordinate that was extended, the middle is that of the trials that did not diverge. Measurements are in LOG.md.
"""

import dataclasses
import functools
import itertools
from collections.abc import Sequence

import numpy as np

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
TICKS = 17
RARE = 1e-4
"""Sets of length scales with a smaller weight are left out."""
MOST = 64
"""At most this many trials of one replicate are fitted, the best: the work grows with the cube, and bad trials say little about
the top. Of several replicates together four times as many are."""
MANY = 2048
"""At most this many points are worked out at a time, so that memory stays small."""
LEAST = 4
"""The number of finite trials that a surface needs."""
FLOOR = 0.1


def _along(a: np.ndarray, b: np.ndarray, lengths: np.ndarray, smooth: bool) -> np.ndarray:
    """The covariance along one coordinate. `[n], [m], [l] -> [l, n, m]`

    Without an order all different values are equally far apart. A length that occurs again is worked out once.
    """
    gaps = a[:, None] - b
    squares = gaps * gaps if smooth else (np.abs(gaps) > 1e-9).astype(float)
    own = list(dict.fromkeys(lengths.tolist()))
    scales = -0.5 / np.array(own) ** 2
    return np.exp(scales[:, None, None] * squares)[[own.index(length) for length in lengths.tolist()]]


def _kernels(
    a: np.ndarray, b: np.ndarray, lengths: np.ndarray, smooth: np.ndarray, middle: np.ndarray, level: float | np.ndarray
) -> np.ndarray:
    """The covariance of the surface between points `a` and `b`. `[n, d], [m, d], [l, d], [d], [d] -> [l, n, m]`

    `lengths` are sets of length scales, `middle` is where the slope of the mean starts, and `level` is the variance of the
    height that two points have in common, one for all or `[n, m]`.
    """
    kernels = _along(a[:, 0], b[:, 0], lengths[:, 0], bool(smooth[0]))
    for dim in range(1, a.shape[1]):
        kernels *= _along(a[:, dim], b[:, dim], lengths[:, dim], bool(smooth[dim]))
    return kernels + (level + SLOPE * (a - middle)[:, smooth] @ (b - middle)[:, smooth].T)


@dataclasses.dataclass(frozen=True)
class Surface:
    """A fitted surface; `fit` makes it.

    `noise` is the standard deviation of one trial around it, and `units` are the fitted points `[n, d]`. `smooth` `[d]` says
    which coordinates have an order, and `middle` `[d]` where the prior mean is highest. `groups` is the number of replicates:
    the surface is that of their mean.
    """

    units: np.ndarray
    noise: float
    smooth: np.ndarray
    middle: np.ndarray
    groups: int
    _height: float
    _scale: float
    _fall: float
    _lengths: np.ndarray
    _weights: np.ndarray
    _spans: tuple

    def mean(self, points: np.ndarray) -> np.ndarray:
        """The expected score, without a trial's noise. `[m, d] -> [m]`."""
        return np.concatenate([self._mean(points[at : at + MANY]) for at in range(0, len(points), MANY)])

    def _mean(self, points: np.ndarray) -> np.ndarray:
        kernels = _kernels(points, self.units, self._lengths, self.smooth, self.middle, self._level)
        return self._scored(np.einsum('lmn,ln->m', kernels, self._weights), self._far(points))

    def on_grid(self, axes: Sequence[np.ndarray]) -> np.ndarray:
        """The expected score on a grid of one or two coordinates. `[[a], [b]] -> [a, b]`."""
        along = [
            _along(axis, self.units[:, dim], self._lengths[:, dim], bool(self.smooth[dim])) for dim, axis in enumerate(axes)
        ]
        weighted, pulls = along[0] * self._weights[:, None, :], self._weights.sum(0)
        bends = (weighted @ along[1].transpose(0, 2, 1)).sum(0) if len(axes) > 1 else weighted.sum((0, 2))
        far, slopes = np.zeros(bends.shape), np.zeros(bends.shape)
        for dim in np.flatnonzero(self.smooth):
            away = np.asarray(axes[dim]) - self.middle[dim]
            shape = [-1 if other == dim else 1 for other in range(len(axes))]
            far = far + (away**2).reshape(shape)
            slopes = slopes + (away * ((self.units[:, dim] - self.middle[dim]) @ pulls)).reshape(shape)
        return self._scored(bends + self._level * pulls.sum() + SLOPE * slopes, far)

    def _scored(self, bends: np.ndarray, far: np.ndarray) -> np.ndarray:
        return self._height + self._scale * (bends - self._fall * far)

    def error(self, point: np.ndarray) -> float:
        """The posterior standard deviation of the score at one point. `[d]`."""
        kernels = _kernels(point[None], self.units, self._lengths, self.smooth, self.middle, self._level)[:, 0]
        vectors, values, chances, means, scales = self._spans
        across = np.einsum('ln,lnk->lk', kernels, vectors)
        left = np.maximum(1 + self._level + SLOPE * self._far(point[None]) - np.einsum('lk,lvk->lv', across**2, 1 / values), 0)
        centre = np.einsum('lk,lfvk->lfv', across, means) - np.array(FALLS)[:, None] * self._far(point[None])
        spread = (chances * (left[:, None] * scales + centre**2)).sum() - (chances * centre).sum() ** 2
        return float(self._scale * np.sqrt(max(spread, 0.0)))

    @property
    def _level(self) -> float:
        """The variance of the height of the replicates' mean, as far as one of them tells it."""
        return LEVEL / self.groups

    def _far(self, points: np.ndarray) -> np.ndarray:
        return _far(points, self.middle, self.smooth)


def _far(points: np.ndarray, middle: np.ndarray, smooth: np.ndarray) -> np.ndarray:
    """Squared distance from the middle. `[m, d] -> [m]`."""
    return ((points - middle) ** 2)[:, smooth].sum(1)


def _middle(units: np.ndarray) -> np.ndarray:
    """The middle of the range; along an extended coordinate the middle of the trials. `[n, d] -> [d]`."""
    low, high = units.min(0), units.max(0)
    return np.where((low < -OUTSIDE) | (high > 1 + OUTSIDE), (low + high) / 2, 0.5)


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
    units, scores = np.asarray(units, float), np.asarray(scores, float)
    groups = np.zeros(len(scores), int) if groups is None else np.asarray(groups)
    finite = np.isfinite(scores)
    units, scores, groups = units[finite], scores[finite], groups[finite]
    if len(scores) < LEAST:
        return None
    middle = _middle(units)
    present, groups = np.unique(groups, return_inverse=True)
    heights = np.bincount(groups, scores) / np.bincount(groups)
    scores = scores - heights[groups]
    most = MOST if len(present) == 1 else 4 * MOST
    if len(scores) > most:
        best_ones = np.sort(np.argsort(-scores, kind='stable')[:most])
        units, scores, groups = units[best_ones], scores[best_ones], groups[best_ones]
    count, dims = units.shape
    smooth = np.ones(dims, bool) if smooth is None else np.asarray(smooth, bool)
    pairs = itertools.product(FIRST, OTHERS) if dims > 1 else ((length, length) for length in FIRST)
    lengths = np.array([[first, *[other] * (dims - 1)] for first, other in pairs])
    height, scale = float(heights.mean()), float(scores.std())
    scale = scale if scale > 1e-12 * max(abs(height), 1.0) else 1.0
    level = LEVEL * (groups[:, None] == groups)
    # Axes: l sets of lengths, f falls, v noises, k eigenvectors.
    roots, vectors = np.linalg.eigh(_kernels(units, units, lengths, smooth, middle, level))
    wanted = scores / scale + np.array(FALLS)[:, None] * _far(units, middle, smooth)
    along = np.einsum('lnk,fn->lfk', vectors, wanted)
    values = np.maximum(roots, 0)[:, None, :] + np.array(NOISES)[None, :, None]
    misfit = np.einsum('lfk,lvk->lfv', along**2, 1 / values) + FLOOR
    evidence = -0.5 * np.log(values).sum(-1)[:, None] - 0.5 * (count + 1) * np.log(misfit)
    chances = np.exp(evidence - evidence.max())
    chances /= chances.sum()
    likely = chances.sum((1, 2)) > RARE
    lengths, vectors, values, along = lengths[likely], vectors[likely], values[likely], along[likely]
    chances, misfit = chances[likely] / chances[likely].sum(), misfit[likely]
    scales = misfit / (count + 1)
    means = along[:, :, None] / values[:, None]
    weights = np.einsum('lnk,lk->ln', vectors, np.einsum('lfv,lfvk->lk', chances, means))
    noise = scale * float(np.sqrt((chances * scales * np.array(NOISES)).sum()))
    fall = float(chances.sum((0, 2)) @ np.array(FALLS))
    spans = (vectors, values, chances, means, scales)
    return Surface(units, noise, smooth, middle, len(present), height, scale, fall, lengths, weights, spans)


@functools.lru_cache(maxsize=1024)
def _fitted(
    shape: tuple[int, int], units: bytes, scores: bytes, smooth: tuple[bool, ...], sizes: tuple[int, ...]
) -> Surface | None:
    groups = np.repeat(np.arange(len(sizes)), sizes)
    return fit(np.frombuffer(units).reshape(shape), np.frombuffer(scores), np.array(smooth), groups)


def fitted(replicates: Sequence[tuple[np.ndarray, np.ndarray]], smooth: Sequence[bool]) -> Surface | None:
    """The surface of replicates, [(units `[n, d]`, scores `[n]`)], from memory if this process has fitted them lately."""
    units, scores = (np.concatenate([np.asarray(part, float) for part in parts]) for parts in zip(*replicates, strict=True))
    sizes = tuple(len(scores) for _, scores in replicates)
    return _fitted(units.shape, units.tobytes(), scores.tobytes(), tuple(map(bool, smooth)), sizes)


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


def best(surface: Surface, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, float]:
    """The highest point of the surface in a box, and its height: a coarse search, then a fine one around the best.

    A coordinate without an order keeps a value that was tried.

    >>> units = np.linspace(0, 1, 8)[:, None]
    >>> point, height = best(fit(units, 0.9 - (units[:, 0] - 0.6) ** 2), np.array([0.0]), np.array([1.0]))
    >>> point.round(1).tolist(), round(height, 2)
    ([0.6], 0.9)
    """
    if len(low) > 2:
        point, _ = _highest(surface, with_choices(surface, candidates(low, high)))
    else:
        tried = [None if ordered else np.unique(surface.units[:, dim]) for dim, ordered in enumerate(surface.smooth)]
        point, _ = _highest_on_grid(surface, low, high, tried)
    reach = np.where(surface.smooth, (high - low) / (TICKS - 1), 0.0)
    near = np.maximum(point - reach, low), np.minimum(point + reach, high)
    if len(low) > 2:
        return _highest(surface, np.where(surface.smooth, candidates(*near), point))
    return _highest_on_grid(surface, *near, [None if ordered else point[[dim]] for dim, ordered in enumerate(surface.smooth)])


def _highest(surface: Surface, points: np.ndarray) -> tuple[np.ndarray, float]:
    means = surface.mean(points)
    place = _place(means)
    return points[place], float(means[place])


def _highest_on_grid(
    surface: Surface, low: np.ndarray, high: np.ndarray, choices: Sequence[np.ndarray | None]
) -> tuple[np.ndarray, float]:
    """The highest point of an even grid; of a coordinate without an order only its choices are on it."""
    axes = [np.linspace(low[dim], high[dim], TICKS) if own is None else own for dim, own in enumerate(choices)]
    means = surface.on_grid(axes).ravel()
    place = _place(means)
    at = np.unravel_index(place, [len(axis) for axis in axes])
    return np.array([axis[i] for axis, i in zip(axes, at, strict=True)]), float(means[place])


def _place(means: np.ndarray) -> int:
    """Where the highest is; rounded, so that of points that tie the same is taken on every machine."""
    return int(np.argmax(np.round((means - means.max()) / max(float(np.ptp(means)), 1e-300), 9)))
