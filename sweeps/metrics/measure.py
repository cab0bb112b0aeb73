"""Measure: a score of all examples together, its standard error, and what each example has in it.

    score   the measure of all examples, each with a weight of one
    error   the spread of the measure over resamples of groups of examples, drawn with replacement (Efron 1979) by a fixed seed;
            where the measure is a mean of single scores, the closed form. On the way to the end of a run, the items' error
    items   for each example the score plus n times the derivative of the score by the example's weight

The items are influence values (Hampel 1974), the limit of jackknife's pseudo-values: their mean is the score exactly, and to
first order the score of any resample is their mean in it. So paired statistics of two models' items are those of the effect:
the variance of the items over n is the delta method's variance of the score, and of the difference of two scores where items
are subtracted. Single right or wrong answers would not do: they say nothing of how rare the class is that an answer belongs to.
"""

import abc
import dataclasses
import math

import numpy as np

from results.store.item_scores import by_item

RESAMPLES = 200
"""Resamples of the bootstrap: a standard error by so many has an error of 5 % of its own."""
BLOCK = 1 << 22
"""Weights that are held at a time."""


@dataclasses.dataclass(frozen=True)
class Scored:
    """A score with its standard error, and the items `[n]` whose mean is the score."""

    score: float
    error: float
    items: np.ndarray


class Measure(abc.ABC):
    """A function of the statistics of examples and of their weights that knows no order and no scale of the weights."""

    @abc.abstractmethod
    def values(self, statistics: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """The measure for each set of weights; NaN where nothing is left to measure. `[n, S], [R, n] -> [R]`"""

    @abc.abstractmethod
    def influence(self, statistics: np.ndarray) -> np.ndarray:
        """The derivative of the measure by the weight of each example, all weights being one. `[n, S] -> [n]`"""

    def is_mean(self, statistics: np.ndarray) -> bool:
        """Whether the measure is a mean of single scores, so that its standard error has a closed form."""
        return False

    def scored(self, statistics: np.ndarray, group: np.ndarray, resampled: bool = True) -> Scored:
        """Score, error and items of examples `[n, S]` in groups `[n]` that belong together.

        All are NaN where a statistic is not finite: the run has left the finite numbers. The error is that of a mean of the
        items. `resampled` asks for another, and takes long.
        """
        statistics = np.asarray(statistics, np.float64)
        count = len(statistics)
        if not np.isfinite(statistics).all():
            return Scored(math.nan, math.nan, np.full(count, math.nan))
        score = float(self.values(statistics, np.ones((1, count)))[0])
        items = score + count * self.influence(statistics)
        if self.is_mean(statistics) or not resampled:
            whole = by_item(items, group)
            return Scored(score, float(whole.std()) / math.sqrt(len(whole)), items)
        return Scored(score, self._bootstrapped(statistics, np.asarray(group)), items)

    def _bootstrapped(self, statistics: np.ndarray, group: np.ndarray) -> float:
        names, place = np.unique(group, return_inverse=True)
        generator, made = np.random.default_rng(0), []
        rows = max(1, BLOCK // len(statistics))
        for start in range(0, RESAMPLES, rows):
            drawn = generator.multinomial(len(names), np.full(len(names), 1 / len(names)), min(rows, RESAMPLES - start))
            made.append(self.values(statistics, drawn[:, place].astype(np.float64)))
        values = np.concatenate(made)
        values = values[np.isfinite(values)]
        return float(values.std(ddof=1)) if len(values) > 1 else math.nan
