"""Expected best: the expected best score of a tuning of k trials, for every k up to the trials of the study.

Only the first trials of each optimizer count, those before the rounds that may extend ranges, because the first ones place the
others. The curves show how far the order of the arms depends on the tuning budget. With a screening the curve of one optimizer
ends with the screening. The curve of all optimizers goes on with the trials of each replicate's better one.
"""

import dataclasses
import functools
import math
from collections.abc import Mapping

import numpy as np

from ablations.trial import AFTER_SCREENING
from results.resampling import LEVEL as DOUBT
from results.resampling import centred, drawn_means
from results.rounding import plain
from results.runs import Runs
from results.statistics import mean_interval, within
from results.store.reading import Reading, once

LEVEL = 0.95
ADAPTIVE = ('tpe', 'gp')
"""Searches whose later trials depend on earlier ones. Their curve is the best score so far, in the order of the runs."""
MANY = 16
"""How many shares of subsets stay in memory: those of the sizes that a study has."""
ALL_OPTIMIZERS = 'all'
"""The name for all optimizers together, each with k trials."""


def expected_best(groups: list[np.ndarray], chance: float) -> np.ndarray:
    """The expected best score of k trials drawn at random without replacement from each group, for k = 1 to n. `[n]`

    Higher scores are better; a score that is not finite (diverged) counts as `chance`; n is the size of the smallest group. It
    is the mean over all subsets of size k, and unbiased for k independent trials: of n scores, C(c, k) / C(n, k) subsets hold
    none above the c lowest. The estimator of 1909.03004 draws with replacement and is biased down (2004.13705). Quasi-random
    points are more even than random ones, so a tuning of exactly k of them reaches slightly more. Raises ValueError without
    scores.

    >>> expected_best([np.array([0.5, 0.7, 0.9])], chance=0.1).round(3).tolist()
    [0.7, 0.833, 0.9]
    """
    if not groups or any(len(group) == 0 for group in groups):
        raise ValueError(f'groups of {[len(g) for g in groups]} scores; allowed: one or more in each; leave empty ones out')
    groups = [np.where(np.isfinite(group), group, chance) for group in (np.asarray(g, float) for g in groups)]
    values = np.unique(np.concatenate(groups))
    places = [np.searchsorted(np.sort(group), values, side='right') for group in groups]
    most = min(map(len, groups))
    below = np.ones((most, len(values)))
    for group, counts in zip(groups, places, strict=True):
        below *= _below(len(group))[:most, counts]
    # Row by row: a product of matrices rounds in another way.
    return np.array([values @ shares for shares in np.diff(below, axis=1, prepend=0.0)])


@functools.lru_cache(MANY)
def _below(size: int) -> np.ndarray:
    """The share of the subsets of k of `size` scores that hold none above the c lowest, for k from 1 and c from 0 on.
    `[size, size + 1]`"""
    counts = range(size + 1)
    return np.array([[math.comb(count, k) / math.comb(size, k) for count in counts] for k in range(1, size + 1)])


def expected_after(screened: list[np.ndarray], further: np.ndarray, chance: float) -> np.ndarray:
    """The expected best score of all `screened` trials and j of the `further` ones, drawn at random, for j = 1 to n. `[n]`

    >>> expected_after([np.array([0.5, 0.7])], np.array([0.6, 0.9]), chance=0.1).round(3).tolist()
    [0.8, 0.9]
    """
    best = max(float(np.where(np.isfinite(group), group, chance).max()) for group in screened)
    return expected_best([np.maximum(np.where(np.isfinite(further), further, chance), best)], chance)


def running_best(groups: list[np.ndarray], chance: float) -> np.ndarray:
    """The best score of the first k trials of each group, in the order in which they ran. `[n]`

    >>> running_best([np.array([0.5, np.nan, 0.9])], chance=0.1).tolist()
    [0.5, 0.5, 0.9]
    """
    size = min(map(len, groups))
    return np.maximum.accumulate(np.max([np.where(np.isfinite(g), g, chance)[:size] for g in groups], axis=0))


@dataclasses.dataclass(frozen=True)
class Curve:
    """The expected best tuning score of an arm on a task over the trials of an optimizer, or of all (`ALL_OPTIMIZERS`).

    trials      number of trained trials at each point, over all optimizers of the curve  [n]; with a screening first the same
                number of each, then one by one those of the kept optimizer
    replicates  one curve for each replicate, in the task's own metric                             [R][n]
    numbers     which replicates these are: one counts once all its first trials are recorded     [R]
    mean        over replicates, with `low` and `high` the ends of its 95 % interval (Student), None with one replicate
    how         'expected' over random subsets, or 'running' where the search is adaptive
    """

    arm: str
    task: str
    optimizer: str
    metric: str
    direction: str
    trials: tuple
    replicates: tuple
    numbers: tuple
    mean: tuple
    low: tuple | None
    high: tuple | None
    how: str

    def to_dict(self) -> dict:
        """Plain data, numbers rounded to six significant digits."""
        return plain(self)

    @property
    def good(self) -> np.ndarray:
        """The replicates' curves in the metric's good direction. `[R, n]`"""
        return np.array(self.replicates) * (1 if self.direction == 'higher' else -1)


def _curve(runs: Runs, optimizers: list[str], name: str) -> Curve | None:
    study = runs.reading.study
    adaptive, curves, numbers, known = study.search in ADAPTIVE, [], [], False
    later = {
        number: [trial for trial in runs.asked('tune', number) if trial.phase == AFTER_SCREENING] for number in runs.replicates
    }
    screened = study.screening if name == ALL_OPTIMIZERS and any(later.values()) else 0
    for replicate in runs.replicates:
        trials = [runs.tuned_alike(optimizer, replicate, first=True) for optimizer in optimizers]
        further = later[replicate] if screened else []
        if not all(trials) or (screened and not further) or any(map(runs.failures, (*trials, further))):
            continue
        groups = [runs.scores(own, -math.inf) for own in trials]
        known = known or any(np.isfinite(group).any() for group in groups)
        curve = (running_best if adaptive else expected_best)(groups, runs.chance)
        after = [expected_after(groups, runs.scores(further, -math.inf), runs.chance)] if further else []
        numbers.append(replicate)
        curves.append(np.concatenate([curve, *after]))
    # Chance stands for a run that diverged beside others; where all did, nothing was found.
    if not known:
        return None
    size = min(map(len, curves))
    alike = screened or size
    curves = runs.task.sign * np.array([curve[:size] for curve in curves])
    ends = [within(mean_interval(column, LEVEL), runs.task.metric) for column in curves.T]
    low, high = (None, None) if len(curves) < 2 else (tuple(end) for end in zip(*ends, strict=True))
    return Curve(
        arm=runs.arm,
        task=runs.task.name,
        optimizer=name,
        metric=runs.task.metric,
        direction=runs.task.direction,
        trials=tuple(len(optimizers) * min(k, alike) + max(k - alike, 0) for k in range(1, size + 1)),
        replicates=tuple(tuple(map(float, curve)) for curve in curves),
        numbers=tuple(numbers),
        mean=tuple(map(float, curves.mean(0))),
        low=low,
        high=high,
        how='running' if adaptive else 'expected',
    )


@once
def curves(reading: Reading) -> list[Curve]:
    """Curves by task, optimizer (all together last, where there are several) and arm; none where nothing is recorded.

    A replicate counts once all its first trials are recorded and none of them failed; runs that diverged count as chance. Where
    every run of an arm diverged it has no curve.
    """
    study = reading.study
    all_curves = []
    for task in study.tasks:
        for name in [*study.tune, *[ALL_OPTIMIZERS] * (len(study.tune) > 1)]:
            wanted = {arm: [one for one in study.optimizers_of(arm) if name in (one, ALL_OPTIMIZERS)] for arm in study.arms}
            made = [_curve(Runs(reading, arm, task), own, name) for arm, own in wanted.items() if own]
            all_curves += [curve for curve in made if curve is not None]
    return all_curves


@dataclasses.dataclass(frozen=True)
class Settled:
    """The number of trials from which on the order of the arms by mean is the final one.

    trials       the smallest such number, summed over all optimizers of the curve
    of           all trials
    order        arms with all trials, the best first (arms with equal means as they were given)
    share        how often the first of them stays first where the replicates are drawn anew (`drawn_means` of what the arms
                 do not have in common); None with fewer than two replicates
    noise        whether the first place cannot be told from noise: `share` below 97.5 %, or None
    """

    trials: int
    of: int
    order: tuple
    share: float | None
    noise: bool

    def to_dict(self) -> dict:
        """Plain data, numbers rounded to six significant digits."""
        return plain(self)


def order_settles(arms: Mapping[str, np.ndarray], trials: tuple | None = None) -> Settled:
    """When the order of the arms settles, from curves in the good direction, {arm: `[R, n]`}, of the same replicates.

    `trials` names the number of trials at each point, 1 to n unless given. Raises ValueError with fewer than two arms or on
    curves of unequal shapes.

    >>> curves = {'one': np.array([[0.5, 0.7, 0.7], [0.5, 0.6, 0.6]]), 'two': np.array([[0.6, 0.6, 0.8], [0.5, 0.5, 0.9]])}
    >>> order = order_settles(curves)
    >>> order.trials, order.of, order.order
    (3, 3, ('two', 'one'))
    """
    sizes = {arm: np.shape(curve) for arm, curve in arms.items()}
    if len(sizes) < 2 or len(set(sizes.values())) > 1:
        raise ValueError(f'curves of {sizes}; allowed: two arms or more, the same shape for each; cut the longer ones')
    means = np.array([np.mean(curve, axis=0) for curve in arms.values()])
    orders = np.argsort(-means, axis=0, kind='stable').T
    points = tuple(trials) if trials else tuple(range(1, len(orders) + 1))
    changed = [k for k, order in enumerate(orders) if (order != orders[-1]).any()]
    first = changed[-1] + 1 if changed else 0
    share, last = None, np.array([np.asarray(curve)[:, -1] for curve in arms.values()])
    if last.shape[1] >= 2:
        drawn = drawn_means(list(centred(last)))
        share = float(np.mean(drawn.argmax(1) == orders[-1][0]))
    names = list(arms)
    order = tuple(names[i] for i in orders[-1])
    return Settled(points[first], points[-1], order, share, share is None or share < 1 - DOUBT)


def settled_orders(all_curves: list[Curve]) -> dict[str, Settled]:
    """When the order of the arms settles on each task, over all optimizers and the replicates of all arms.

    Tasks with fewer than two arms, or without a replicate in common, are left out.
    """
    several = {curve.task for curve in all_curves if curve.optimizer == ALL_OPTIMIZERS}
    by_task: dict[str, list[Curve]] = {}
    for curve in all_curves:
        if curve.optimizer == ALL_OPTIMIZERS or curve.task not in several:
            by_task.setdefault(curve.task, []).append(curve)
    made = {}
    for task, items in by_task.items():
        shared = [number for number in items[0].numbers if all(number in curve.numbers for curve in items)]
        if len(items) > 1 and shared:
            size = min(len(curve.trials) for curve in items)
            arms = {c.arm: c.good[[c.numbers.index(number) for number in shared], :size] for c in items}
            made[task] = order_settles(arms, items[0].trials[:size])
    return made
