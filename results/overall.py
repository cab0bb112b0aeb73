"""Overall: an arm's verdict over all tasks of a study, and the mean of its effects over datasets."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import ndtr

from ablations.study import Study

LEVEL = 0.95
SPREAD = 2.0
"""The scale, in margins, of the half-Cauchy prior of how much effects vary between datasets."""
VARIATIONS = 200


@dataclasses.dataclass(frozen=True)
class OnTask:
    """What was concluded on one task: the verdict, and whether the arm is shown not to be worse, or not better, by a margin."""

    verdict: str
    negligible: bool = False
    not_worse: bool = False
    not_better: bool = False

    def counts_as(self, verdict: str) -> bool:
        """Whether the task speaks for a verdict; a negligible difference does not."""
        return self.verdict == verdict and not self.negligible

    def allows(self, verdict: str) -> bool:
        """Whether the task is shown not to contradict a verdict, `better` or `worse`, by more than the margin."""
        shown = self.not_worse if verdict == 'better' else self.not_better
        return self.verdict == verdict or (shown and self.verdict in ('undecided', 'equivalent', 'better', 'worse'))


AGAINST = {'better': 'shown to be no worse by its margin', 'worse': 'shown to be no better by its margin'}


def verdict_over_tasks(study: Study, concluded: Mapping[str, OnTask]) -> tuple[str, str]:
    """An arm's verdict over all tasks, from what was concluded on each; datasets count, not tasks.

    `better` needs a difference on two or more datasets, and on every other task evidence that the arm is not worse by its
    margin; `worse` the same the other way. A dataset on which nothing is known withholds the verdict.
    """
    dataset = {task.name: task.dataset for task in study.tasks}
    total = len(set(dataset.values()))
    if total < 2:
        return 'undecided', 'withheld: one dataset only; a claim needs two or more'
    for verdict in ('better', 'worse'):
        datasets = {dataset[task] for task, one in concluded.items() if one.counts_as(verdict)}
        if len(datasets) < 2:
            continue
        open_tasks = [task for task, one in concluded.items() if not one.allows(verdict)]
        told = f'{verdict} on {len(datasets)} of {total} datasets'
        if open_tasks:
            return 'undecided', f'{told}, but on {", ".join(open_tasks)} not {AGAINST[verdict]}'
        return verdict, told + (f', elsewhere {AGAINST[verdict]}' if len(datasets) < total else '')
    verdicts = {task: one.verdict for task, one in concluded.items()}
    if set(verdicts.values()) == {'equivalent'}:
        return 'equivalent', f'equivalent on all {total} datasets'
    sets: dict[str, set] = {}
    for task, verdict in verdicts.items():
        sets.setdefault(verdict + ', negligible' * concluded[task].negligible, set()).add(dataset[task])
    counts = ', '.join(f'{verdict} on {len(names)}' for verdict, names in sets.items())
    return 'undecided', f'{counts} of {total} datasets; a claim needs two or more in one direction, and no doubt on the others'


def mean_over_datasets(effects: Sequence[float], errors: Sequence[float]) -> tuple[float, float, float] | None:
    """The mean effect over datasets like these, with its 95 % interval, from one effect and its error for each.

    Effects are in one unit, the margins of their tasks. The model is normal: effects vary between datasets around a common
    mean, with a flat prior, by a deviation with a half-Cauchy prior (Gelman 2006), which is integrated out. None with fewer
    than two datasets, or where an error is not above 0.

    >>> mean, low, high = mean_over_datasets([2.0, 3.0, 2.5], [0.5, 0.5, 0.5])
    >>> round(mean, 1), low > 0, high < 6
    (2.5, True, True)
    """
    effects, errors = np.asarray(effects, float), np.asarray(errors, float)
    if len(effects) < 2 or not (errors > 0).all():
        return None
    # Quantiles of the prior, and equal weights: what is left to weigh is the likelihood.
    places = (np.arange(VARIATIONS) + 0.5) / VARIATIONS
    between = SPREAD * np.tan(places * math.pi / 2)
    precision = 1 / (errors**2 + between[:, None] ** 2)
    total = precision.sum(1)
    means = (precision * effects).sum(1) / total
    fit = 0.5 * np.log(precision).sum(1) - 0.5 * np.log(total) - 0.5 * (precision * (effects - means[:, None]) ** 2).sum(1)
    weights = np.exp(fit - fit.max())
    weights /= weights.sum()
    deviations = 1 / np.sqrt(total)

    def quantile(share: float) -> float:
        low, high = (means - 40 * deviations).min(), (means + 40 * deviations).max()
        for _ in range(100):
            middle = (low + high) / 2
            below = float(weights @ ndtr((middle - means) / deviations)) < share
            low, high = (middle, high) if below else (low, middle)
        return float(high)

    return float(weights @ means), quantile((1 - LEVEL) / 2), quantile((1 + LEVEL) / 2)
