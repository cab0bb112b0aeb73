"""Scaling: how the errors of arms fall with the size of the base, and where the lines of two arms cross.

The law is error = a size^-b (2001.08361), a straight line in logarithms, fitted to each replicate on its own. Replicates are
whole tunings, so their spread is that of the law. It describes the sizes that were tried. Nothing here is a claim of a study.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from ablations.tasks import Task
from ablations.tasks.metrics import metric
from results.runs import Runs
from results.statistics import mean_interval
from results.store.reading import Reading

LEVEL = 0.95
FEWEST_SIZES, FEWEST_REPLICATES = 2, 3
REACH = 100.0
"""A crossing is looked for between the smallest size by this and the largest one times it."""
POINTS = 2001


@dataclasses.dataclass(frozen=True)
class Law:
    """How the error of an arm falls: its means by size, the exponent b with its interval, and whether the line is bent.

    `bent` is None with two sizes, where a line always fits; else whether the interval of the curvature leaves out 0.
    """

    arm: str
    errors: tuple[float, ...]
    exponent: float
    interval: tuple[float, float]
    bent: bool | None


@dataclasses.dataclass(frozen=True)
class Crossing:
    """The size at which the lines of an arm and its reference cross, with the interval of sizes that replicates leave open.

    Below it `before` is the better one, above it the other. `tried` says whether it lies between sizes that were tried.
    """

    arm: str
    base: str
    size: float
    interval: tuple[float, float]
    before: str
    tried: bool


@dataclasses.dataclass(frozen=True)
class Scaling:
    """The laws of all arms on one task over several sizes of the base, and the crossings that replicates tell."""

    task: str
    sizes: tuple[float, ...]
    laws: tuple[Law, ...]
    crossings: tuple[Crossing, ...]


def error_of(task: Task, scores: np.ndarray) -> np.ndarray | None:
    """The errors of scores in the good direction; None for a metric without a best value. `[n] -> [n]`

    Of a metric to be lowered that cannot be below 0 it is the value, of one to be raised it is what lacks to the best value.
    """
    known = metric(task.metric)
    if task.sign < 0:
        return -scores if known.low == 0 else None
    return known.high - scores if math.isfinite(known.high) else None


def law(arm: str, sizes: Sequence[float], errors: np.ndarray) -> Law | None:
    """The law through errors `[R, S]` at S sizes; None with too few replicates or sizes, or an error that has no logarithm.

    >>> sizes, noise = [1e3, 1e4, 1e5], np.array([[0.0], [0.01], [-0.01]])
    >>> fitted = law('base', sizes, np.exp(noise - 0.25 * np.log(sizes)))
    >>> round(fitted.exponent, 3), fitted.bent
    (0.25, False)
    """
    if errors.shape[0] < FEWEST_REPLICATES or len(set(sizes)) < FEWEST_SIZES or not (np.isfinite(errors) & (errors > 0)).all():
        return None
    x, y = np.log(np.asarray(sizes, float)), np.log(errors)
    slopes = np.polynomial.polynomial.polyfit(x - x.mean(), y.T, 1)[1]
    low, high = mean_interval(-slopes, LEVEL)
    bent = None
    if len(set(sizes)) > FEWEST_SIZES:
        bends = np.polynomial.polynomial.polyfit(x - x.mean(), y.T, 2)[2]
        ends = mean_interval(bends, LEVEL)
        # What varies by rounding alone is no bend.
        bent = bool(not ends[0] <= 0 <= ends[1] and np.abs(bends).max() > 1e-9)
    means = tuple(float(value) for value in np.exp(y.mean(0)))
    return Law(arm, means, float(-slopes.mean()), (low, high), bent)


def crossing(arm: str, base: str, sizes: Sequence[float], errors: np.ndarray, base_errors: np.ndarray) -> Crossing | None:
    """Where the lines of two arms cross, by replicates that both have; None unless one is shown to be better below the interval
    and the other above it.

    The interval holds the sizes at which the mean difference of the lines is not told from 0 (Fieller). `[R, S], [R, S]`
    """
    count = min(len(errors), len(base_errors))
    pairs = [law(name, sizes, values[:count]) for name, values in ((arm, errors), (base, base_errors))]
    if None in pairs:
        return None
    x = np.log(np.asarray(sizes, float))
    apart = (np.log(errors[:count]) - np.log(base_errors[:count])).T
    level, slope = np.polynomial.polynomial.polyfit(x - x.mean(), apart, 1)
    places = np.linspace(x.min() - math.log(REACH), x.max() + math.log(REACH), POINTS)
    lines = level[:, None] + slope[:, None] * (places - x.mean())
    ends = np.array([mean_interval(column, LEVEL) for column in lines.T])
    told = np.where(ends[:, 0] > 0, 1, np.where(ends[:, 1] < 0, -1, 0))
    open_places = np.flatnonzero(told == 0)
    if not open_places.size or told[0] * told[-1] >= 0:
        return None
    at = x.mean() - level.mean() / slope.mean()
    interval = (math.exp(places[open_places[0]]), math.exp(places[open_places[-1]]))
    size = float(np.clip(math.exp(at), *interval))
    return Crossing(arm, base, size, interval, base if told[0] > 0 else arm, bool(x.min() <= at <= x.max()))


def scaling(task: str, sizes: Sequence[float], errors: Mapping[str, np.ndarray], against: Mapping[str, str]) -> Scaling:
    """The laws of arms with errors `[R, S]`, and the crossings of each arm with the one that it is compared `against`."""
    laws = [law(arm, sizes, values) for arm, values in errors.items()]
    crossings = [
        crossing(arm, base, sizes, errors[arm], errors[base])
        for arm, base in against.items()
        if arm in errors and base in errors and arm != base
    ]
    return Scaling(
        task, tuple(map(float, sizes)), tuple(filter(None, laws)), tuple(one for one in crossings if one is not None)
    )


def scaling_of(task: str, steps: Sequence[tuple[Reading, Task, float]]) -> Scaling | None:
    """The scaling of a study's arms over several sizes, each the reading and the task of it with the parameters of the base.

    Arms that are not confirmed at every size are left out; None where sizes or errors are not known.
    """
    study = steps[0][0].study
    if len({size for _, _, size in steps}) < FEWEST_SIZES:
        return None
    errors = {}
    for arm in study.arms:
        confirmed = [Runs(reading, arm, item).confirmed() for reading, item, _ in steps]
        if any(values is None for values in confirmed):
            continue
        count = min(map(len, confirmed))
        made = [error_of(item, values[:count]) for (_, item, _), values in zip(steps, confirmed, strict=True)]
        if all(values is not None for values in made):
            errors[arm] = np.stack(made, 1)
    against = {arm: study.reference(arm) for arm in study.arms if arm != study.base}
    made = scaling(task, [size for _, _, size in steps], errors, against)
    return made if made.laws else None
