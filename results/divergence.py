"""Divergence: how often the confirmation runs of an arm diverge, and whether two arms differ in it.

It is an endpoint of its own. Scores are means over the runs that did not diverge, so a rate is not hidden in a mean.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from scipy.special import betaincinv, gammaln

LEVEL = 0.95


@dataclasses.dataclass(frozen=True)
class Divergences:
    """Confirmation runs of an arm on a task by replicate: `[R]` diverged ones of `[R]` runs.

    >>> own = Divergences((0, 2, 0), (4, 4, 4))
    >>> own.diverged, own.runs, [round(end, 3) for end in own.interval()]
    (2, 12, [0.021, 0.484])
    """

    by_replicate: tuple[int, ...]
    runs_by_replicate: tuple[int, ...]

    @property
    def diverged(self) -> int:
        """How many runs diverged."""
        return sum(self.by_replicate)

    @property
    def runs(self) -> int:
        """How many runs there were."""
        return sum(self.runs_by_replicate)

    def first(self, replicates: int) -> 'Divergences':
        """The runs of the first replicates alone."""
        return Divergences(self.by_replicate[:replicates], self.runs_by_replicate[:replicates])

    def interval(self, level: float = LEVEL) -> tuple[float, float] | None:
        """The exact interval of the rate (Clopper and Pearson 1934); None without runs."""
        if not self.runs:
            return None
        k, n, tail = self.diverged, self.runs, (1 - level) / 2
        low = 0.0 if k == 0 else float(betaincinv(k, n - k + 1, tail))
        return low, 1.0 if k == n else float(betaincinv(k + 1, n - k, 1 - tail))


@dataclasses.dataclass(frozen=True)
class RateTest:
    """The p-value of equal rates of divergence, and the `least` that so many diverged runs could give.

    Where `least` is above a level, the comparison can never be claimed and costs the others nothing (Tarone 1990).
    """

    p: float
    least: float


def compare(arm: Divergences, base: Divergences) -> RateTest:
    """Fisher's exact test of two rates, two-sided.

    Runs of a replicate share their recipe, so they may diverge together. Their number is divided by the design effect, the
    variance between replicates over that of independent runs (Rao and Scott 1992).

    >>> test = compare(Divergences((2, 1, 3, 2, 2), (4,) * 5), Divergences((0,) * 5, (4,) * 5))
    >>> round(test.p, 4)
    0.0004
    """
    if not (arm.runs and base.runs) or not (arm.diverged or base.diverged):
        return RateTest(1.0, 1.0)
    effect = design_effect((arm, base))
    sizes = [max(1, math.floor(side.runs / effect + 1e-9)) for side in (arm, base)]
    counts = [round(size * side.diverged / side.runs) for size, side in zip(sizes, (arm, base), strict=True)]
    return fisher(counts, sizes)


def design_effect(sides: Sequence[Divergences]) -> float:
    """By how much the runs of a replicate diverge together: 1 if independent, their number if all or none.

    >>> design_effect([Divergences((4, 0, 4, 0), (4,) * 4)])
    4.0
    """
    between = within = 0.0
    freedom, largest = 0, 1
    for side in sides:
        rate = side.diverged / side.runs
        for count, runs in zip(side.by_replicate, side.runs_by_replicate, strict=True):
            if runs:
                between += runs * (count / runs - rate) ** 2
                within += runs * rate * (1 - rate)
                freedom, largest = freedom + 1, max(largest, runs)
        freedom -= 1
    if freedom < 1:
        return float(largest)
    if within == 0:
        # All of one side and none of the other: nothing tells how runs diverge together.
        return float(largest)
    total = sum(side.runs for side in sides)
    return min(max(between / freedom / (within / total), 1.0), float(largest))


def fisher(counts: Sequence[int], sizes: Sequence[int]) -> RateTest:
    """Fisher's exact test of two counts, two-sided: the tables that are no more likely than the one seen.

    >>> round(fisher((5, 0), (5, 5)).p, 4)
    0.0079
    """
    total, size = sum(counts), sizes[0]
    first = np.arange(max(0, total - sizes[1]), min(total, size) + 1)
    chances = np.exp(_choose(size, first) + _choose(sizes[1], total - first) - _choose(sum(sizes), total))
    tables = np.array([chances[chances <= chance * (1 + 1e-7)].sum() for chance in chances])
    return RateTest(float(min(tables[counts[0] - first[0]], 1.0)), float(tables.min()))


def _choose(size: int, taken: np.ndarray | int) -> np.ndarray:
    return gammaln(size + 1) - gammaln(np.asarray(taken) + 1) - gammaln(size - np.asarray(taken) + 1)
