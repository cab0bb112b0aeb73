"""Noise: what the replicates of a task's arms vary by, and the test of a contrast between arms.

Replicate r of every arm is trained on the same data split, so arms are compared replicate by replicate: what a split does to
both sides cancels, however the arms answer it. A contrast's own variance has few degrees of freedom, so it borrows from all
arms that are about as noisy as most. What was simulated is in LOG.md and in `archlab calibrate`.
"""

import dataclasses
import functools
import math
from collections.abc import Mapping

import numpy as np
from scipy.special import polygamma

from results.item_error import item_error
from results.statistics import Difference, ItemError

BORROWED = 4
"""The largest weight, in replicates, of what five quiet arms lend; fewer arms lend less, eight or more lend twice as much."""
COUNTED = 0.6
"""The degrees of freedom of a borrowed replicate. It is below 1 because arms may have different variances. With more than five
alike arms it is up to twice as large."""
FALL = 5
"""The power by which pairs lend less if the logarithms of their variances vary more than by chance. Families of arms, which
answer a split alike within a family, make pairs unlike."""
LOUD = 6.0
"""An arm is loud, and lends nothing, where its variance stands this many times above the middle of all arms."""


@dataclasses.dataclass(frozen=True)
class Noise:
    """Replicate values by arm on one task, higher better: {arm: `[R]`}, NaN where a replicate has none.

    Arms may have different numbers of replicates; replicate r of one belongs to replicate r of another. `items` may hold what
    each replicate scored on each item of the test split, {arm: `[R, n]`}. Where all arms of a difference or of a contrast have
    it, the error of the items is part of the error.

    >>> noise = Noise({'base': np.array([0.90, 0.91, 0.89]), 'one': np.array([0.92, 0.94, 0.93]),
    ...                'two': np.array([0.90, 0.90, 0.92])})
    >>> noise.loud, round(noise.variance ** 0.5, 4), round(noise.weight, 2)
    (frozenset(), 0.0113, 0.33)
    """

    samples: Mapping[str, np.ndarray]
    items: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)

    @functools.cached_property
    def arms(self) -> tuple[str, ...]:
        """The arms with at least two replicates."""
        return tuple(arm for arm, sample in self.samples.items() if np.isfinite(sample).sum() >= 2)

    @functools.cached_property
    def pairs(self) -> np.ndarray:
        """The variance of the replicates' differences of each pair of arms, NaN with fewer than two in common. `[A, A]`"""
        size = max((len(self.samples[arm]) for arm in self.arms), default=0)
        values = np.full((len(self.arms), size), np.nan)
        for row, arm in zip(values, self.arms, strict=True):
            row[: len(self.samples[arm])] = self.samples[arm]
        gaps = values[:, None] - values[None]
        present = np.isfinite(gaps)
        counts = present.sum(2)
        gaps = np.where(present, gaps, 0.0)
        means = gaps.sum(2) / np.maximum(counts, 1)
        squares = (np.where(present, gaps - means[:, :, None], 0.0) ** 2).sum(2)
        return np.where(counts >= 2, squares / np.maximum(counts - 1, 1), np.nan)

    @functools.cached_property
    def loud(self) -> frozenset[str]:
        """Arms that vary far more than most, from the lower middle of each one's pairs: a minority of them is told apart."""
        if len(self.arms) < 3:
            return frozenset()
        middles = np.array([_lower_middle(np.delete(row, i)) for i, row in enumerate(self.pairs)])
        limit = LOUD * _lower_middle(middles)
        return frozenset(arm for arm, middle in zip(self.arms, middles, strict=True) if middle > limit)

    @functools.cached_property
    def _quiet(self) -> np.ndarray:
        return np.array([arm not in self.loud for arm in self.arms], bool)

    @functools.cached_property
    def variance(self) -> float:
        """The variance of one replicate of a quiet arm, without what a split does to all of them; NaN with fewer than two."""
        among = self.pairs[np.ix_(self._quiet, self._quiet)]
        return _mean(among[~np.eye(len(among), dtype=bool)]) / 2

    @functools.cached_property
    def weight(self) -> float:
        """The share of `BORROWED` that may be borrowed: 0 with fewer than three quiet arms, 1 with five, at most 2; less where
        their pairs are unlike."""
        quiet = int(self._quiet.sum())
        return min((quiet - 2) / 3, 2.0) * self.alike if quiet >= 3 and self.variance == self.variance else 0.0

    @functools.cached_property
    def alike(self) -> float:
        """How alike the pairs of quiet arms are in what they vary by: 1 where their variances differ no more than by chance."""
        among = self.pairs[np.ix_(self._quiet, self._quiet)][np.triu_indices(int(self._quiet.sum()), 1)]
        known = among[np.isfinite(among) & (among > 0)]
        if len(known) < 3:
            return 1.0
        size = max(len(self.samples[arm]) for arm in self.arms)
        # The variance of the logarithm of a chi-squared number.
        by_chance = float(polygamma(1, (size - 1) / 2))
        return min(1.0, by_chance / max(float(np.log(known).var(ddof=1)), 1e-300)) ** FALL

    def own(self, arm: str) -> float:
        """The variance of one replicate of an arm, from its pairs with quiet arms; NaN without any."""
        place = self.arms.index(arm)
        others = self._quiet.copy()
        others[place] = False
        return _mean(self.pairs[place][others]) - self.variance

    def difference(self, arm: str, base: str) -> Difference | None:
        """Arm minus base; None with fewer than two replicates in common.

        The base stands in many comparisons, so its borrowed variance is never below its own. Replicates that only the base has
        sharpen its mean as far as the split lets them.

        >>> noise = Noise({'base': np.array([0.90, 0.91, 0.89]), 'one': np.array([0.92, 0.94, 0.93])})
        >>> difference = noise.difference('one', 'base')
        >>> round(difference.effect, 3), round(difference.error, 4), difference.freedom
        (0.03, 0.0058, 2.0)
        """
        if arm not in self.arms or base not in self.arms:
            return None
        lent = self.variance + np.fmax(self.variance, self.own(base)) if self.weight else math.nan
        weights = {arm: 1.0, base: -1.0}
        tested = self._tested(weights, lent)
        if tested is None:
            return None
        return (self._sharpened(tested, arm, base) if tested.error else tested).with_items(self.item_error(weights))

    def contrast(self, weights: Mapping[str, float]) -> Difference | None:
        """The weighted sum of arms, whose weights add up to 0; None with fewer than two replicates in common.

        >>> noise = Noise({'base': np.array([0.90, 0.91, 0.89]), 'one': np.array([0.92, 0.94, 0.93])})
        >>> round(noise.contrast({'one': 1.0, 'base': -1.0}).effect, 3)
        0.03
        """
        used = {arm: weight for arm, weight in weights.items() if weight}
        if not set(used) <= set(self.arms):
            return None
        tested = self._tested(used, self.variance * sum(weight**2 for weight in used.values()))
        return None if tested is None else tested.with_items(self.item_error(used))

    def item_error(self, weights: Mapping[str, float]) -> ItemError | None:
        """The error that the items of the test split give a weighted sum of arms; None where an arm's items are not known."""
        known = [self.items[arm] for arm in weights if arm in self.items]
        if len(known) < len(weights) or len({items.shape[1] for items in known}) != 1:
            return None
        size = min(map(len, known))
        return item_error(sum(weight * items[:size] for weight, items in zip(weights.values(), known, strict=True)))

    def _tested(self, weights: Mapping[str, float], lent: float) -> Difference | None:
        """A contrast with its own variance, mixed with the `lent` one if that is larger: lending lowers no variance."""
        size = min(len(self.samples[arm]) for arm in weights)
        terms = np.stack([weight * np.asarray(self.samples[arm][:size], float) for arm, weight in weights.items()])
        terms = terms[:, np.isfinite(terms).all(0)]
        values = terms.sum(0)
        if len(values) < 2:
            return None
        effect, freedom = float(values.mean()), float(len(values) - 1)
        # What is left of equal terms by rounding is no variation.
        if np.ptp(values) <= 1e-12 * max(float(np.abs(terms).max()), 1e-300):
            return Difference(effect, 0.0, 0.0)
        variance, borrowed = float(values.var(ddof=1)), self.weight * min(BORROWED, freedom)
        counted = COUNTED * max(self.weight, 1.0) * borrowed
        if variance > lent:
            # One that varies more than others is less likely one of them.
            counted *= (lent / variance) ** 2
        elif borrowed:
            variance = (freedom * variance + borrowed * lent) / (freedom + borrowed)
        return Difference(effect, math.sqrt(variance / len(values)), freedom + counted)

    def _sharpened(self, tested: Difference, arm: str, base: str) -> Difference:
        """The same difference with the replicates that only the base has, by regression on the split's share of them."""
        sample = np.asarray(self.samples[base], float)
        other = np.full(len(sample), np.nan)
        other[: len(self.samples[arm])] = self.samples[arm][: len(sample)]
        present, both = np.isfinite(sample), np.isfinite(sample) & np.isfinite(other)
        common, spare = int(both.sum()), int(present.sum() - both.sum())
        if not spare:
            return tested
        variance = tested.error**2 * common
        own = self.own(base) if self.weight else -float(np.cov(other[both] - sample[both], sample[both])[0, 1])
        # Of the base's variation its own part, not the split's, is what more replicates of it take away.
        own = min(max(own, 0.0), variance / 2)
        total = max(float(sample[present].var(ddof=1)), own)
        share = own / total if total else 0.0
        gap = float(sample[both].mean() - sample[present & ~both].mean())
        part = spare / (common + spare)
        left = variance - part * share * own
        return Difference(tested.effect + share * part * gap, math.sqrt(left / common), tested.freedom)


def _lower_middle(values: np.ndarray) -> float:
    values = np.sort(values[np.isfinite(values)])
    return float(values[(len(values) - 1) // 2]) if len(values) else math.nan


def _mean(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else math.nan
