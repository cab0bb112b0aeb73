"""Selection: from tuning trials to one point, the best of a fitted surface; and the gain past the edges of a range.

Points are unit coordinates (0 and 1 at the edges of the study's range); scores are in the good direction, higher better.
"""

import dataclasses
import hashlib
import math

import numpy as np

from results.surface import best, fit

STEPS = ('surface', 'best trial')
"""How a point was selected: as the best of a fitted surface, or as the best trial, with fewer than four finite ones."""
TOP = 3

Fitted = tuple[tuple[float, ...], float, float, str]
"""A point in units, the score expected there, its standard error, which of STEPS."""
KNOWN: dict[str, Fitted] = {}
"""Points that this process has selected, or an earlier one saved, by the hash of their trials; a pure function's memory."""
MOST_KNOWN = 1 << 14


@dataclasses.dataclass(frozen=True)
class Selected:
    """A selected point: the optimizer, its tuned values, the expected score, the step of STEPS, and the surface's standard
    error of that score (NaN without a surface)."""

    optimizer: str
    knobs: tuple[tuple[str, float], ...]
    unit: tuple[float, ...]
    score: float
    how: str
    error: float = math.nan


def better_half(scores: np.ndarray, planned: int) -> np.ndarray:
    """Indices of the better half of the trials, best first: at most half of the planned number, with finite scores.

    >>> better_half(np.array([0.5, 0.9, -np.inf, 0.7]), planned=4).tolist()
    [1, 3]
    """
    finite = np.flatnonzero(np.isfinite(scores))
    return finite[np.argsort(-scores[finite], kind='stable')][: math.ceil(planned / 2)]


def surface(units: np.ndarray, scores: np.ndarray, smooth: np.ndarray | None = None) -> tuple[np.ndarray, float, float, str]:
    """The selected point among trials of one optimizer, the score expected there, its standard error, and the step used.

    `units` [n, d] with the learning rate first, `scores` [n] with -inf or NaN for diverged trials, `smooth` [d] False for
    choices. The point is the best of the fitted surface within the box of the better half of the trials, where diverged ones
    count as the worst. Beyond that box there may be a cliff, and a surface does not model cliffs. Raises ValueError where no
    score is finite.

    >>> units = np.linspace(0, 1, 8)[:, None]
    >>> point, score, error, how = surface(units, 0.9 - (units[:, 0] - 0.6) ** 2)
    >>> point.round(1).tolist(), round(score, 2), how
    ([0.6], 0.9, 'surface')
    """
    units, scores = np.asarray(units, float), np.asarray(scores, float)
    half = better_half(scores, len(scores))
    if len(half) == 0:
        raise ValueError('no trial has a finite score; nothing can be selected')
    fitted = fit(units, scores, smooth)
    if fitted is None:
        # The best of several noisy scores is too good: the mean of the top few stands for it.
        return units[half[0]], float(scores[half[:TOP]].mean()), math.nan, STEPS[1]
    point, score = best(fitted, units[half].min(0), units[half].max(0))
    return point, score, fitted.error(point), STEPS[0]


def _remembered(units: np.ndarray, scores: np.ndarray, smooth: list[bool]) -> Fitted:
    """The result of `surface`, from KNOWN if these trials were given before: a plan mostly repeats the one before."""
    units, scores = np.ascontiguousarray(units, float), np.ascontiguousarray(scores, float)
    about = repr((units.shape, smooth)).encode()
    key = hashlib.sha256(about + units.tobytes() + scores.tobytes()).hexdigest()[:32]
    if key not in KNOWN:
        point, *rest = surface(units, scores, np.array(smooth))
        while len(KNOWN) >= MOST_KNOWN:
            del KNOWN[next(iter(KNOWN))]
        KNOWN[key] = (tuple(point.tolist()), *rest)
    return KNOWN[key]


def fitted_best(units: np.ndarray, scores: np.ndarray, smooth: list[bool]) -> float:
    """The score expected at the selected point of these trials of one optimizer; at least one of them must be finite."""
    return _remembered(units, scores, smooth)[1]


def select(trials: dict[str, tuple[np.ndarray, np.ndarray]], spaces: dict) -> Selected | None:
    """The selected point of one arm, task and replicate: the best optimizer at the optimum of its own surface.

    `trials[optimizer] = (units [n, d], scores [n])`. None where every trial of every optimizer diverged.

    >>> from ablations.ranges import Range
    >>> units = np.linspace(0, 1, 8)[:, None]
    >>> point = select({'adamw': (units, 0.9 - (units[:, 0] - 0.5) ** 2)}, {'adamw': {'lr': Range(1e-4, 1e-2)}})
    >>> point.optimizer, [(name, round(value, 4)) for name, value in point.knobs]
    ('adamw', [('lr', 0.001)])
    """
    points = []
    for optimizer, (units, scores) in trials.items():
        if not np.isfinite(scores).any():
            continue
        space = spaces[optimizer]
        point, score, error, how = _remembered(units, scores, [values.smooth for values in space.values()])
        unit = tuple(float(f'{value:.6g}') for value in point)
        knobs = tuple(sorted((name, values.value(u)) for (name, values), u in zip(space.items(), unit, strict=True)))
        points.append(Selected(optimizer, knobs, unit, score, how, error))
    return max(points, key=lambda point: point.score) if points else None


@dataclasses.dataclass(frozen=True)
class Pooled:
    """One surface for all replicates: an intercept for each, common slopes and bends, no cross terms.

    `intercept` is the mean over the `groups` fitted replicates. `bends` has no entry for a coordinate that curves the wrong
    way. `residual` is the fit's standard deviation. `low` and `high` are the ends of the fitted trials, `[d]`.
    """

    intercept: float
    slopes: np.ndarray
    bends: dict[int, float]
    residual: float
    groups: int
    low: np.ndarray
    high: np.ndarray

    def part(self, dim: int, unit: float | np.ndarray) -> float | np.ndarray:
        """The contribution of one coordinate to the score."""
        return self.slopes[dim] * unit + self.bends.get(dim, 0.0) * unit * unit

    def best(self, dim: int, low: float, high: float) -> float:
        """The largest contribution of one coordinate between two ends."""
        bend = self.bends.get(dim, 0.0)
        ends = [low, high] + ([min(max(-self.slopes[dim] / (2 * bend), low), high)] if bend else [])
        return max(self.part(dim, u) for u in ends)


def pool(replicates: list, dims: int) -> Pooled | None:
    """Fit the better halves of all replicates together; a coordinate that curves the wrong way is fitted by a line.

    `replicates` is [(units [n, d], scores [n])]. None where too few trials are finite.
    """
    rows, values, groups = [np.empty((0, dims))], [np.empty(0)], []
    for number, (units, scores) in enumerate(replicates):
        half = better_half(np.asarray(scores, float), len(scores))
        rows.append(np.asarray(units, float)[half])
        values.append(np.asarray(scores, float)[half])
        groups += [number] * len(half)
    units, scores = np.concatenate(rows), np.concatenate(values)
    present = sorted(set(groups))
    intercepts = np.equal.outer(groups, present).astype(float)
    quadratic = list(range(dims))
    while True:
        freedom = len(scores) - len(present) - dims - len(quadratic)
        if freedom < 2:
            return None
        design = np.concatenate([intercepts, units, units[:, quadratic] ** 2], 1)
        coefficients = np.linalg.lstsq(design, scores, rcond=None)[0]
        slopes = coefficients[len(present) : len(present) + dims]
        bends = dict(zip(quadratic, coefficients[len(present) + dims :], strict=True))
        wrong = [dim for dim in quadratic if bends[dim] >= 0]
        if not wrong:
            break
        quadratic = [dim for dim in quadratic if dim not in wrong]
    residual = math.sqrt(float(np.sum((scores - design @ coefficients) ** 2)) / freedom)
    intercept = float(coefficients[: len(present)].mean())
    return Pooled(intercept, slopes, bends, residual, len(present), units.min(0), units.max(0))


def profile(replicates: list, dims: int, count: int = 65) -> tuple[np.ndarray, np.ndarray] | None:
    """The pooled surface over the first coordinate, at the best of the others, within the fitted trials.

    Units and scores, `[count]` each; None where too few trials are finite.
    """
    fit = pool(replicates, dims)
    if fit is None:
        return None
    units = np.linspace(fit.low[0], fit.high[0], count)
    rest = sum(fit.best(dim, fit.low[dim], fit.high[dim]) for dim in range(1, dims))
    return units, fit.intercept + fit.part(0, units) + rest


@dataclasses.dataclass(frozen=True)
class Edges:
    """The gain past each edge for one optimizer, over the pooled optimum inside, and its noise.

    `gains[(name, side)]` is the fitted gain over the best inside. `noise` is the standard error of a score averaged over the
    replicates, from the residuals of the pooled fit.
    """

    inside: float
    noise: float
    gains: dict[tuple[str, str], float]


def edges(replicates: list, names: list[str], box: dict, beyond: dict) -> Edges | None:
    """Fit all replicates of one optimizer together, without cross terms, and look past each edge of the box.

    `replicates` is [(units [n, d], scores [n])]; `box[name] = (low, high)` the range so far, `beyond[name, side]` the unit
    coordinate to which that side would be extended. Where a coordinate curves the wrong way it is fitted by a line. None
    where too few trials are finite.
    """
    fit = pool(replicates, len(names))
    if fit is None:
        return None
    inside = {name: fit.best(dim, *box[name]) for dim, name in enumerate(names)}
    gains = {}
    for (name, side), end in beyond.items():
        low, high = box[name]
        reach = (end, low) if side == 'low' else (high, end)
        gains[name, side] = fit.best(names.index(name), *reach) - inside[name]
    return Edges(inside=fit.intercept + sum(inside.values()), noise=fit.residual / math.sqrt(fit.groups), gains=gains)
