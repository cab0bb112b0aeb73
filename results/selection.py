"""Selection: from tuning trials to one point, the best of a fitted surface.

Points are unit coordinates (0 and 1 at the edges of the study's range); scores are in the good direction, higher better.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from results.optimum import bests
from results.remembered import remembered
from results.surface import errors, fits

STEPS = ('surface', 'best trial')
"""How a point was selected: as the best of a fitted surface, or as the best trial, with fewer than four finite ones."""
TOP = 3

Tuned = tuple[np.ndarray, np.ndarray, Sequence[bool]]
"""Trials of one optimizer: units `[n, d]`, scores `[n]`, and which values have an order `[d]`."""
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
    ((point, *rest),) = _points([(units, scores, np.ones(units.shape[1], bool) if smooth is None else smooth)])
    return np.array(point), *rest


def _points(asked: Sequence[Tuned]) -> list[list]:
    """What `surface` gives for each set of trials, as plain data; surfaces are fitted and searched together."""
    halves = [better_half(scores, len(scores)) for _, scores, _ in asked]
    if any(len(half) == 0 for half in halves):
        raise ValueError('no trial has a finite score; nothing can be selected')
    made = fits([(units, scores, smooth, None) for units, scores, smooth in asked])
    fitted = [place for place, one in enumerate(made) if one is not None]
    boxes = [asked[place][0][halves[place]] for place in fitted]
    surfaces = [made[place] for place in fitted]
    peaks = bests(surfaces, [box.min(0) for box in boxes], [box.max(0) for box in boxes])
    spreads = errors(surfaces, [point for point, _ in peaks])
    points = {
        place: [point.tolist(), score, error, STEPS[0]]
        for place, (point, score), error in zip(fitted, peaks, spreads, strict=True)
    }
    for place in set(range(len(asked))) - set(points):
        (units, scores, _), half = asked[place], halves[place]
        # The best of several noisy scores is too good: the mean of the top few stands for it.
        points[place] = [units[half[0]].tolist(), float(scores[half[:TOP]].mean()), math.nan, STEPS[1]]
    return [points[place] for place in range(len(asked))]


def _remembered(asked: Sequence[Tuned]) -> list[Fitted]:
    """The results of `surface`, from memory where these trials were given before."""
    told = remembered('point', asked, lambda places: _points([asked[place] for place in places]))
    return [(tuple(place), *rest) for place, *rest in told]


def fitted_bests(asked: Sequence[Tuned]) -> list[float]:
    """The score expected at the selected point of each set of trials of one optimizer; of each at least one must be finite."""
    return [score for _, score, *_ in _remembered(asked)]


def select(trials: dict[str, tuple[np.ndarray, np.ndarray]], spaces: dict) -> Selected | None:
    """The selected point of one arm, task and replicate: the best optimizer at the optimum of its own surface.

    `trials[optimizer] = (units [n, d], scores [n])`. None where every trial of every optimizer diverged.

    >>> from ablations.ranges import Range
    >>> units = np.linspace(0, 1, 8)[:, None]
    >>> point = select({'adamw': (units, 0.9 - (units[:, 0] - 0.5) ** 2)}, {'adamw': {'lr': Range(1e-4, 1e-2)}})
    >>> point.optimizer, [(name, round(value, 4)) for name, value in point.knobs]
    ('adamw', [('lr', 0.001)])
    """
    return select_each([(trials, spaces)])[0]


def select_each(asked: Sequence[tuple[dict[str, tuple[np.ndarray, np.ndarray]], dict]]) -> list[Selected | None]:
    """The selected points of several arms and replicates, each given as to `select`; surfaces are fitted together."""
    tuned = [
        (place, optimizer, (units, scores, [values.smooth for values in spaces[optimizer].values()]))
        for place, (trials, spaces) in enumerate(asked)
        for optimizer, (units, scores) in trials.items()
        if np.isfinite(scores).any()
    ]
    points: list[list[Selected]] = [[] for _ in asked]
    for (place, optimizer, _), (point, score, error, how) in zip(tuned, _remembered([one for *_, one in tuned]), strict=True):
        space = asked[place][1][optimizer]
        unit = tuple(float(f'{value:.6g}') for value in point)
        knobs = tuple(sorted((name, values.value(u)) for (name, values), u in zip(space.items(), unit, strict=True)))
        points[place].append(Selected(optimizer, knobs, unit, score, how, error))
    return [max(own, key=lambda point: point.score) if own else None for own in points]
