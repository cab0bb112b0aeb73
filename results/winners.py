"""Winners: which arm comes out first on a task at its own recipe, at the base's, and by the best trial of a single tuning.

Nothing is tested here. It shows how much of a ranking is the work of the recipe, or of luck (1909.03004).
"""

import dataclasses
from collections import Counter

import numpy as np

from ablations.tasks import Task
from results.runs import Runs
from results.store.reading import Reading


@dataclasses.dataclass(frozen=True)
class Winners:
    """The first arm of a task: with `own` recipes, with the one `shared`, and by the best trial of each tuning.

    `own` and `shared` go by the mean of confirmed replicates; `shared` is None where not all arms ran at the base's recipe.
    `by_trial` has the arm whose best tuning trial is above those of the others, and in how many replicates.
    """

    task: str
    own: str
    shared: str | None
    by_trial: tuple[tuple[str, int], ...]

    @property
    def tunings(self) -> int:
        return sum(count for _, count in self.by_trial)

    @property
    def other_by_trial(self) -> int:
        """In how many replicates another arm than `own` has the best trial."""
        return sum(count for arm, count in self.by_trial if arm != self.own)


def winners(reading: Reading) -> list[Winners]:
    """The winners on each task that all arms have been confirmed on."""
    return [one for task in reading.study.tasks if (one := _winners(reading, task)) is not None]


def _winners(reading: Reading, task: Task) -> Winners | None:
    runs = {arm: Runs(reading, arm, task) for arm in reading.study.arms}
    own = {arm: _mean(one.confirmed()) for arm, one in runs.items()}
    if any(value is None for value in own.values()):
        return None
    shared = {arm: own[arm] if arm == reading.study.base else _mean(one.confirmed('share')) for arm, one in runs.items()}
    by_trial: Counter[str] = Counter()
    for replicate in range(min(len(one.replicates) for one in runs.values())):
        tops = {arm: one.scores(one.asked('tune', replicate), -np.inf) for arm, one in runs.items()}
        if all(len(scores) for scores in tops.values()):
            by_trial[max(tops, key=lambda arm: tops[arm].max())] += 1
    return Winners(
        task=task.name,
        own=max(own, key=own.get),
        shared=None if any(value is None for value in shared.values()) else max(shared, key=shared.get),
        by_trial=tuple(by_trial.most_common()),
    )


def _mean(values: np.ndarray | None) -> float | None:
    """The mean of replicates that have a value; None where not all are recorded or none has one."""
    if values is None or not np.isfinite(values).any():
        return None
    return float(values[np.isfinite(values)].mean())
