"""Selection: from tuning trials to one point, by a response surface that degrades visibly.

Points are unit coordinates (0 and 1 at the edges of the study's range); scores are in the good direction, higher better.
"""

import dataclasses
import math

import numpy as np

STEPS = ('quadratic', 'quadratic without cross terms', 'quadratic in learning rate', 'best trial')
"""How a point was selected, best first; each needs coefficients + 2 points and a fit that curves the right way."""
TOP = 3


@dataclasses.dataclass(frozen=True)
class Selected:
    """A selected point: optimizer, its tuned values, the fitted score there, and which step of STEPS was used."""

    optimizer: str
    knobs: tuple[tuple[str, float], ...]
    unit: tuple[float, ...]
    score: float
    how: str


def better_half(scores: np.ndarray, planned: int) -> np.ndarray:
    """Indices of the better half of the planned trials among the finite scores, best first."""
    finite = np.flatnonzero(np.isfinite(scores))
    return finite[np.argsort(-scores[finite], kind='stable')][: math.ceil(planned / 2)]


def _design(units: np.ndarray, dims: int, cross: bool) -> np.ndarray:
    u = units[:, :dims]
    columns = [np.ones(len(u)), *u.T, *(u.T**2)]
    if cross:
        columns += [u[:, i] * u[:, j] for i in range(dims) for j in range(i)]
    return np.stack(columns, 1)


def _optimum(coefficients: np.ndarray, dims: int, cross: bool) -> tuple[np.ndarray, float] | None:
    """The stationary point and its value where the surface curves down in every direction, else None."""
    slope = coefficients[1 : dims + 1]
    hessian = np.diag(2 * coefficients[dims + 1 : 2 * dims + 1])
    if cross:
        rest = iter(coefficients[2 * dims + 1 :])
        for i in range(dims):
            for j in range(i):
                hessian[i, j] = hessian[j, i] = next(rest)
    if np.linalg.eigvalsh(hessian).max() >= -1e-9:
        return None
    point = np.linalg.solve(hessian, -slope)
    return point, float(coefficients[0] + 0.5 * slope @ point)


def surface(units: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, float, str]:
    """Fit the better half and give the selected point, its score and the step used.

    `units` [n, d] with the learning rate first, `scores` [n] with -inf or NaN for diverged trials (they count towards the
    half, never towards the fit). Raises ValueError where no score is finite.
    """
    units, scores = np.asarray(units, float), np.asarray(scores, float)
    half = better_half(scores, len(scores))
    if len(half) == 0:
        raise ValueError('no trial has a finite score; nothing can be selected')
    # Inside the data means among the fitted points: past them lie the worse trials, which the fit knows nothing of.
    low, high = units[half].min(0), units[half].max(0)
    best = units[half[0]]
    full = units.shape[1]
    attempts = [(full, True, STEPS[0])] if full > 1 else []
    attempts += [(full, False, STEPS[1])] if full > 1 else []
    attempts += [(1, False, STEPS[2])]
    for dims, cross, how in attempts:
        design = _design(units[half], dims, cross)
        if len(half) < design.shape[1] + 2:
            continue
        coefficients, _, rank, _ = np.linalg.lstsq(design, scores[half], rcond=None)
        found = _optimum(coefficients, dims, cross) if rank == design.shape[1] else None
        if found and (found[0] >= low[:dims]).all() and (found[0] <= high[:dims]).all():
            # A value that the fit had to drop matters little here: the middle of the better half is a steadier choice than
            # wherever the luckiest trial was.
            return np.concatenate([found[0], units[half, dims:].mean(0)]), found[1], how
    # The best of several noisy scores is too good: the mean of the top few stands for it.
    return best, float(scores[half[:TOP]].mean()), STEPS[3]


def select(trials: dict[str, tuple[np.ndarray, np.ndarray]], spaces: dict) -> Selected | None:
    """The point of one arm, task and replicate: the best optimizer at the optimum of its own surface.

    `trials[optimizer] = (units [n, d], scores [n])`. None where every trial of every optimizer diverged.
    """
    candidates = []
    for optimizer, (units, scores) in trials.items():
        if not np.isfinite(scores).any():
            continue
        point, score, how = surface(units, scores)
        space = spaces[optimizer]
        unit = tuple(float(f'{value:.6g}') for value in point)
        knobs = tuple(sorted((name, values.value(u)) for (name, values), u in zip(space.items(), unit, strict=True)))
        candidates.append(Selected(optimizer, knobs, unit, score, how))
    return max(candidates, key=lambda found: found.score) if candidates else None


@dataclasses.dataclass(frozen=True)
class Pooled:
    """One surface for all replicates: each its own intercept, slopes and bends in common, no cross terms.

    `intercept` is the mean over the `groups` replicates that entered; `bends` lacks coordinates that curve the wrong way;
    `residual` is the fit's standard deviation; `low` and `high` hold the reach of the fitted trials. `[d]`.
    """

    intercept: float
    slopes: np.ndarray
    bends: dict[int, float]
    residual: float
    groups: int
    low: np.ndarray
    high: np.ndarray

    def part(self, dim: int, unit):
        """What one coordinate adds to the score."""
        return self.slopes[dim] * unit + self.bends.get(dim, 0.0) * unit * unit

    def best(self, dim: int, low: float, high: float) -> float:
        """The most that one coordinate adds between two ends."""
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
    """What lies beyond the edges for one optimizer: the pooled optimum inside, its error, and the gain past each side.

    `gains[(name, side)]` is the fitted gain over the best inside; `noise` the standard error of a score averaged over the
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
