"""Surface: a Gaussian process of the score over the tuned values, from a few noisy trials, in numpy alone.

Points are unit coordinates (0 and 1 at the edges of the study's range); scores are in the good direction, higher better.

Lengths, noise and scale are not chosen but averaged over, weighted by their marginal likelihood (2.3 and 5.4 of Rasmussen and
Williams 2006). The prior mean falls off towards the sides of the range, because a study puts its range around the values that
it expects to be good. This prior is weak: trials overrule it, and only under strong noise does it keep the optimum off the
edges. Along a coordinate that was extended, the mean is highest in the middle of the trials that did not diverge. Measurements
are in LOG.md.
"""

import dataclasses
import functools
import itertools
from collections.abc import Iterator

import numpy as np

FIRST = (0.25, 0.6, 1.5)
"""Length scales of the first coordinate, the learning rate."""
OTHERS = (0.5, 1.5, 5.0)
"""Length scales of the other coordinates, which usually matter less; with the last they hardly matter."""
NOISES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
"""Variance of a single trial's noise, relative to the surface's own variance."""
LEVEL = 4.0
"""Variance of the surface's overall height, relative to the same."""
FALLS = (0.5, 2.0, 5.0)
"""How far the mean falls at distance 1 from the middle of the range, in standard deviations of the scores."""
OUTSIDE = 0.02
"""Further than this outside [0, 1] a trial belongs to an extension; values have six digits, so units are not exact."""
TICKS = 17
RARE = 1e-4
"""Sets of length scales with a smaller weight are left out."""
MOST = 64
"""At most this many trials are fitted, the best: the work grows with the cube, and bad trials say little about the top."""
MANY = 100
"""With more points than this, coordinates that points share are computed once."""
LEAST = 4
"""The number of finite trials that a surface needs."""
FLOOR = 0.1


def _kernels(a: np.ndarray, b: np.ndarray, lengths: np.ndarray, smooth: np.ndarray) -> Iterator[np.ndarray]:
    """The covariance of the surface between points `a` and `b`, for one set of length scales after the other.

    `[n, d], [m, d], [l, d]` give l arrays `[n, m]`, one at a time, which fits into the processor's cache.

    Along a coordinate without an order all different values are equally far apart.
    """
    along = []
    for dim in range(a.shape[1]):
        # Points of a grid share their coordinates, points that were drawn do not.
        values, places = np.unique(a[:, dim], return_inverse=True) if len(a) > MANY else (a[:, dim], slice(None))
        gaps = values[:, None] - b[None, :, dim]
        squares = gaps * gaps if smooth[dim] else (np.abs(gaps) > 1e-9).astype(float)
        squares *= -0.5
        along.append({length: np.exp(squares / length**2)[places] for length in dict.fromkeys(lengths[:, dim].tolist())})
    for own in lengths.tolist():
        kernel = functools.reduce(np.multiply, [along[dim][length] for dim, length in enumerate(own)])
        yield kernel + LEVEL


@dataclasses.dataclass(frozen=True)
class Surface:
    """A fitted surface; `fit` makes it.

    `noise` is the standard deviation of one trial around it, and `units` are the fitted points `[n, d]`. `smooth` `[d]` says
    which coordinates have an order, and `middle` `[d]` where the prior mean is highest.
    """

    units: np.ndarray
    noise: float
    smooth: np.ndarray
    middle: np.ndarray
    _height: float
    _scale: float
    _fall: float
    _lengths: np.ndarray
    _weights: np.ndarray
    _spans: tuple

    def mean(self, points: np.ndarray) -> np.ndarray:
        """The expected score, without a trial's noise. `[m, d] -> [m]`."""
        kernels = _kernels(points, self.units, self._lengths, self.smooth)
        bends = sum(kernel @ weights for kernel, weights in zip(kernels, self._weights, strict=True))
        return self._height + self._scale * (bends - self._fall * self._far(points))

    def error(self, point: np.ndarray) -> float:
        """The posterior standard deviation of the score at one point. `[d]`."""
        kernels = np.concatenate([*_kernels(point[None], self.units, self._lengths, self.smooth)])
        vectors, values, chances, means, scales = self._spans
        across = np.einsum('ln,lnk->lk', kernels, vectors)
        left = np.maximum(1 + LEVEL - np.einsum('lk,lvk->lv', across**2, 1 / values), 0)
        centre = np.einsum('lk,lfvk->lfv', across, means) - np.array(FALLS)[:, None] * self._far(point[None])
        spread = (chances * (left[:, None] * scales + centre**2)).sum() - (chances * centre).sum() ** 2
        return float(self._scale * np.sqrt(max(spread, 0.0)))

    def _far(self, points: np.ndarray) -> np.ndarray:
        return _far(points, self.middle, self.smooth)


def _far(points: np.ndarray, middle: np.ndarray, smooth: np.ndarray) -> np.ndarray:
    """Squared distance from the middle. `[m, d] -> [m]`."""
    return ((points - middle) ** 2)[:, smooth].sum(1)


def _middle(units: np.ndarray) -> np.ndarray:
    """The middle of the range; along an extended coordinate the middle of the trials. `[n, d] -> [d]`."""
    low, high = units.min(0), units.max(0)
    return np.where((low < -OUTSIDE) | (high > 1 + OUTSIDE), (low + high) / 2, 0.5)


def fit(units: np.ndarray, scores: np.ndarray, smooth: np.ndarray | None = None) -> Surface | None:
    """The surface through finite scores `[n]` at `units` `[n, d]`; None with fewer than LEAST of them.

    `smooth` `[d]` is False for coordinates without an order (choices). Scores that are not finite are left out.

    >>> units = np.linspace(0, 1, 8)[:, None]
    >>> fitted = fit(units, 0.9 - (units[:, 0] - 0.6) ** 2)
    >>> fitted.mean(np.array([[0.6]])).round(2).tolist(), fit(units[:3], np.zeros(3)) is None
    ([0.9], True)
    """
    units, scores = np.asarray(units, float), np.asarray(scores, float)
    finite = np.isfinite(scores)
    units, scores = units[finite], scores[finite]
    if len(scores) < LEAST:
        return None
    middle = _middle(units)
    if len(scores) > MOST:
        best_ones = np.sort(np.argsort(-scores, kind='stable')[:MOST])
        units, scores = units[best_ones], scores[best_ones]
    count, dims = units.shape
    smooth = np.ones(dims, bool) if smooth is None else np.asarray(smooth, bool)
    pairs = itertools.product(FIRST, OTHERS) if dims > 1 else ((length, length) for length in FIRST)
    lengths = np.array([[first, *[other] * (dims - 1)] for first, other in pairs])
    height, scale = float(scores.mean()), float(scores.std())
    scale = scale if scale > 1e-12 * max(abs(height), 1.0) else 1.0
    # Axes: l sets of lengths, f falls, v noises, k eigenvectors.
    roots, vectors = np.linalg.eigh(np.stack([*_kernels(units, units, lengths, smooth)]))
    wanted = (scores - height) / scale + np.array(FALLS)[:, None] * _far(units, middle, smooth)
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
    return Surface(units, noise, smooth, middle, height, scale, fall, lengths, weights, spans)


def candidates(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Points that fill a box evenly, its corners included up to two dimensions. `[d], [d] -> [m, d]`.

    >>> candidates(np.array([0.0]), np.array([1.0]))[:3].ravel().tolist()
    [0.0, 0.0625, 0.125]
    """
    dims = len(low)
    if dims <= 2:
        ticks = np.linspace(0, 1, TICKS)
        cube = np.stack(np.meshgrid(*[ticks] * dims, indexing='ij'), -1).reshape(-1, dims)
    else:
        # Multiples of powers of the root of x^(d+1) = x + 1 fill a cube evenly in any dimension.
        root = 2.0
        for _ in range(60):
            root = (1 + root) ** (1 / (dims + 1))
        cube = (0.5 + np.arange(1, 1025)[:, None] * root ** -np.arange(1.0, dims + 1)) % 1
    return low + cube * (high - low)


def best(surface: Surface, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, float]:
    """The highest point of the surface in a box, and its height: a coarse search, then a fine one around the best.

    A coordinate without an order keeps a value that was tried.

    >>> units = np.linspace(0, 1, 8)[:, None]
    >>> point, height = best(fit(units, 0.9 - (units[:, 0] - 0.6) ** 2), np.array([0.0]), np.array([1.0]))
    >>> point.round(1).tolist(), round(height, 2)
    ([0.6], 0.9)
    """
    points = candidates(low, high)
    for dim in np.flatnonzero(~surface.smooth):
        tried = np.unique(surface.units[:, dim])
        copies = np.repeat(points[None], len(tried), 0)
        copies[:, :, dim] = tried[:, None]
        points = np.unique(copies.reshape(-1, len(low)), axis=0)
    point, _ = _highest(surface, points)
    reach = np.where(surface.smooth, (high - low) / (TICKS - 1), 0.0)
    near = candidates(np.maximum(point - reach, low), np.minimum(point + reach, high))
    return _highest(surface, np.where(surface.smooth, near, point))


def _highest(surface: Surface, points: np.ndarray) -> tuple[np.ndarray, float]:
    means = surface.mean(points)
    # Rounded, so that of points that tie the same is taken on every machine.
    place = int(np.argmax(np.round((means - means.max()) / max(float(np.ptp(means)), 1e-300), 9)))
    return points[place], float(means[place])
