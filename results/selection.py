"""Selection: from tuning trials to one point, the best of a fitted surface.

Points are unit coordinates (0 and 1 at the edges of the study's range); scores are in the good direction, higher better.
"""

import dataclasses
import math

import numpy as np

from results.remembered import remembered
from results.surface import best, fitted

STEPS = ('surface', 'best trial')
"""How a point was selected: as the best of a fitted surface, or as the best trial, with fewer than four finite ones."""
TOP = 3

Fitted = tuple[tuple[float, ...], float, float, str]
"""A point in units, the score expected there, its standard error, which of STEPS."""


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
    made = fitted([(units, scores)], np.ones(units.shape[1], bool) if smooth is None else smooth)
    if made is None:
        # The best of several noisy scores is too good: the mean of the top few stands for it.
        return units[half[0]], float(scores[half[:TOP]].mean()), math.nan, STEPS[1]
    point, score = best(made, units[half].min(0), units[half].max(0))
    return point, score, made.error(point), STEPS[0]


def _remembered(units: np.ndarray, scores: np.ndarray, smooth: list[bool]) -> Fitted:
    """The result of `surface`, from memory if these trials were given before."""

    def point() -> list:
        place, *rest = surface(units, scores, np.array(smooth))
        return [place.tolist(), *rest]

    place, *rest = remembered('point', units, scores, smooth, point)
    return (tuple(place), *rest)


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
