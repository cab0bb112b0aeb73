"""Components: the parts of the variance of an arm's difference from its reference. They foretell other settings.

Between replicates a difference varies by its confirmation seeds, by what tuning happened to find, and by the rest: what a data
split does to one arm and not to the other, and seeds of training that all confirmation runs of a replicate have in common.
Only variances are read here, no effect is looked at, so this is no look at the findings.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from ablations.study import Study
from ablations.tasks import Task
from results.noise import BORROWED, Noise
from results.regret import losses_of_half
from results.side import Side
from results.statistics import Difference, replicated
from results.store.reading import Reading

EXPLAINED = 0.85
"""The largest share of a variance that is laid to seeds and tuning: a few replicates cannot show that nothing else is there."""


@dataclasses.dataclass(frozen=True)
class Setting:
    """What a study spends on each arm and task: tuning trials per optimizer, confirmation seeds, replicates."""

    trials: int
    seeds: int
    replicates: int

    @staticmethod
    def of(study: Study) -> 'Setting':
        return Setting(study.trials, study.seeds, study.replicates)


@dataclasses.dataclass(frozen=True)
class Components:
    """An arm beside its reference on one task, as measured under a setting.

    difference  as the lab's test has it (results/noise.py); its effect is of no matter here, and no setting takes away what the
                items of the test split make of its error
    seeds       share of the variance of a replicate's difference that comes from confirmation seeds; None where each replicate
                has one seed, so that it cannot be told
    tuning      share that comes from what tuning found: a tuning that loses so much on average varies by about as much
    lost        what tuning loses on average, in the metric's unit; None where it is not known (results/regret.py)
    """

    arm: str
    base: str
    task: Task
    measured: Setting
    difference: Difference
    seeds: float | None = None
    tuning: float = 0.0
    lost: float | None = None

    def at(self, setting: Setting) -> Difference:
        """The difference as a study of this setting would likely measure it."""
        own, seeds, alone = self.measured, self.seeds or 0.0, self.difference.alone or self.difference
        change = 1.0 - seeds - self.tuning + seeds * own.seeds / setting.seeds + self.tuning * self._ratio(setting) ** 2
        changed = dataclasses.replace(alone, error=max(alone.error**2 * change, 0.0) ** 0.5)
        return replicated(changed.with_items(self.difference.items), own.replicates, setting.replicates, BORROWED)

    def lost_at(self, setting: Setting) -> float:
        """What tuning of this setting loses on average; 0 where it is not known."""
        return (self.lost or 0.0) * self._ratio(setting)

    def _ratio(self, setting: Setting) -> float:
        return self.measured.trials / setting.trials


def components_of(reading: Reading) -> list[Components]:
    """The components of every comparison with variance whose runs are recorded at least up to the first look."""
    study, losses, made = reading.study, losses_of_half(reading), []
    for task in study.tasks:
        sides = {arm: Side(reading, arm, task) for arm in study.arms}
        values = {arm: side.values for arm, side in sides.items() if side.values is not None}
        items = {arm: side.items_of['confirm'] for arm, side in sides.items()}
        noise = Noise(values, {arm: scores for arm, scores in items.items() if scores is not None})
        by_seeds = {arm: _variance_of_seeds(side) for arm, side in sides.items()}
        for arm in study.arms:
            base = study.reference(arm)
            difference = None if arm == study.base else noise.difference(arm, base)
            if difference is None or not difference.error:
                continue
            made.append(_components(study, arm, base, task, difference, values, by_seeds, losses[task.name]))
    return made


def _components(
    study: Study,
    arm: str,
    base: str,
    task: Task,
    difference: Difference,
    values: Mapping[str, np.ndarray],
    by_seeds: Mapping[str, float | None],
    lost: float | None,
) -> Components:
    size = min(len(values[arm]), len(values[base]))
    count = int((np.isfinite(values[arm][:size]) & np.isfinite(values[base][:size])).sum())
    variance, both = (difference.alone or difference).error ** 2 * count, (by_seeds[arm], by_seeds[base])
    seeds = None if None in both else min(sum(both) / study.seeds / variance, EXPLAINED)
    tuning = min(2 * (lost or 0.0) ** 2 / variance, EXPLAINED - (seeds or 0.0))
    return Components(arm, base, task, Setting(study.trials, study.seeds, count), difference, seeds, tuning, lost)


def _variance_of_seeds(side: Side) -> float | None:
    """The variance of one confirmation run around its replicate's mean; None without two finished seeds in any replicate."""
    squares, freedom = 0.0, 0
    for replicate in side.replicates:
        scores = side.scores(side.asked('confirm', replicate), np.nan)
        scores = scores[np.isfinite(scores)]
        if len(scores) > 1:
            squares += float(((scores - scores.mean()) ** 2).sum())
            freedom += len(scores) - 1
    return squares / freedom if freedom else None
