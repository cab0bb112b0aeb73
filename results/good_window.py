"""Good window: how many decades of learning rates are good for an arm.

Read from the surface fitted to the tuning trials, at the best of the other values. A surface says nothing beyond its trials, so
the width is a lower bound for a window that ends with them or with the searched range.

Simulated, 5 replicates of 10 or 16 trials: with run noise of 4 % of the score's fall from the middle of the range to its ends,
widths are right to 2 %; where it is 20 to 40 %, flat windows are up to 20 % too wide. At least 95 % of the intervals hold the
truth.
"""

import dataclasses
import math
from collections.abc import Mapping

import numpy as np

from ablations.ranges import Range
from ablations.space_rules import Tunable
from ablations.trial import Trial
from results.rate_profile import Profile, Replicates, profiles
from results.rounding import plain
from results.runs import Runs
from results.store.reading import Reading

RULES = ('margin', 'tenth')
"""Rules for what is good: within the task's margin of the best, or within a tenth of the gap between the best and chance."""
TENTH = 0.1
LEVEL = 0.95
NEAR = 1 / 8
"""A fit that ends this close to the end of the range, as a share of it, counts as ending with the range."""


def good_part(units: np.ndarray, scores: np.ndarray, tolerance: float) -> tuple[float, float, bool, bool]:
    """The part around the best score that is within `tolerance` of it: low, high, and whether each is an end of the data.

    `units [n]` rise, and higher `scores [n]` are better. Between points the scores are interpolated linearly. Only the
    connected part with the best score counts. Raises ValueError where the tolerance is not above 0.

    >>> low, high, *ends = good_part([0, 0.25, 0.5, 0.75, 1], [0.1, 0.5, 0.9, 0.8, 0.6], tolerance=0.2)
    >>> round(low, 2), round(high, 2), ends
    (0.38, 0.88, [False, False])
    """
    if not tolerance > 0:
        raise ValueError(f'a tolerance of {tolerance}; allowed: above 0; a window of none has no width')
    units, level = np.asarray(units, float), np.asarray(scores, float) - (np.max(scores) - tolerance)
    best = int(np.argmax(level))

    def end(step: int) -> tuple[float, bool]:
        at = best
        while 0 <= at + step < len(level) and level[at + step] >= 0:
            at += step
        if not 0 <= at + step < len(level):
            return float(units[at]), True
        share = level[at] / (level[at] - level[at + step])
        return float(units[at] + share * (units[at + step] - units[at])), False

    (low, low_ends), (high, high_ends) = end(-1), end(1)
    return low, high, low_ends, high_ends


@dataclasses.dataclass(frozen=True)
class Window:
    """The good window of an arm on a task with one optimizer.

    rule       one of RULES; `tolerance` is the loss that it allows, in the metric's unit
    decades    width in powers of ten of the learning rate, None where it is not known, for `reason`
    interval   95 %: the windows by what is lost at most and at least at each rate; None with one replicate
    low, high  its ends as learning rates
    censored   sides ('low', 'high') on which the window may be wider, and why: {side: 'range' or 'fit'}
    """

    arm: str
    task: str
    optimizer: str
    rule: str
    tolerance: float | None = None
    decades: float | None = None
    interval: tuple | None = None
    low: float | None = None
    high: float | None = None
    censored: dict = dataclasses.field(default_factory=dict)
    reason: str = ''

    def to_dict(self) -> dict:
        """Plain data, numbers rounded to six significant digits."""
        return plain(self)


def _decades(rates: Range, low: float, high: float) -> float | None:
    """Powers of ten between two units of a range, None where the lower is no learning rate."""
    if rates.scale == 'log':
        return (high - low) * math.log10(rates.high / rates.low)
    ends = [rates.low + unit * (rates.high - rates.low) for unit in (low, high)]
    return math.log10(ends[1] / ends[0]) if ends[0] > 0 else None


def _tolerance(rule: str, best: float, runs: Runs) -> float:
    return runs.task.margin if rule == 'margin' else TENTH * (best - runs.chance)


def _interval(curve: Profile, tolerance: float, rates: Range) -> tuple[float, float] | None:
    """The widths of the windows by what is lost at most and at least at each rate; None where that is not known."""
    bounds = curve.bounds(LEVEL)
    if bounds is None:
        return None
    widths = [_decades(rates, *good_part(curve.rates, -lost, tolerance)[:2]) for lost in reversed(bounds)]
    return None if None in widths else tuple(widths)


def _trials(runs: Runs, optimizer: str) -> list[list[Trial]]:
    """The trials of each replicate whose tuning is wholly recorded."""
    return [tuned for replicate in runs.replicates if (tuned := runs.tuned_alike(optimizer, replicate))]


def _windows(
    runs: Runs, optimizer: str, trials: list[list[Trial]], replicates: Replicates, curve: Profile | None
) -> list[Window]:
    """The windows of an arm on a task by each rule; none where no replicate has trials."""
    if not trials:
        return []
    about, rates = dict(arm=runs.arm, task=runs.task.name, optimizer=optimizer), _space(runs, optimizer)['lr']
    if curve is None:
        lost = sum(int((~np.isfinite(scores)).sum()) for _, scores in replicates)
        runs_in_all = sum(map(len, trials))
        how = 'diverged or failed' if any(map(runs.failures, trials)) else 'diverged'
        reason = f'no surface fits: {lost} of {runs_in_all} tuning runs {how}, too few are left'
        return [Window(**about, rule=rule, reason=reason) for rule in RULES]
    all_units = np.concatenate([units[:, 0] for units, _ in replicates])
    reach = min(0.0, float(all_units.min())), max(1.0, float(all_units.max()))
    made = []
    for rule in RULES:
        tolerance = _tolerance(rule, float(curve.scores.max()), runs)
        if not tolerance > 0:
            made.append(Window(**about, rule=rule, reason='no better than chance at its best'))
            continue
        low, high, low_ends, high_ends = good_part(curve.rates, curve.scores, tolerance)
        why = {
            side: 'range' if abs(at - end) <= NEAR else 'fit'
            for side, ends, at, end in (('low', low_ends, low, reach[0]), ('high', high_ends, high, reach[1]))
            if ends
        }
        decades = _decades(rates, low, high)
        made.append(
            Window(
                **about,
                rule=rule,
                tolerance=tolerance,
                decades=decades,
                interval=None if decades is None else _interval(curve, tolerance, rates),
                low=rates.value(low),
                high=rates.value(high),
                censored=why,
            )
        )
    return made


def _space(runs: Runs, optimizer: str) -> Mapping[str, Tunable]:
    return runs.reading.study.space(runs.arm, optimizer)


def windows(reading: Reading) -> list[Window]:
    """Windows by task, optimizer, arm and rule, for those with at least one replicate whose tuning is wholly recorded."""
    study = reading.study
    rows = [(Runs(reading, arm, task), optimizer) for task in study.tasks for optimizer in study.tune for arm in study.arms]
    trials = [_trials(*row) for row in rows]
    replicates = [
        [(runs.units(tuned), runs.scores(tuned, -math.inf)) for tuned in own]
        for (runs, _), own in zip(rows, trials, strict=True)
    ]
    smooth = [[values.smooth for values in _space(*row).values()] for row in rows]
    curves = profiles(list(zip(replicates, smooth, strict=True)))
    made = zip(rows, trials, replicates, curves, strict=True)
    return [window for row, *about in made for window in _windows(*row, *about)]
