"""Statistics: tests and intervals on a handful of replicates. Zero variance is an answer here, never NaN."""

import dataclasses
import math
from collections.abc import Mapping

import numpy as np
from scipy.special import nctdtrinc, stdtr, stdtrit


@dataclasses.dataclass(frozen=True)
class Difference:
    """Arm minus base over replicates: the effect, its standard error and Welch's degrees of freedom.

    An `error` of 0 means that neither side varied; then `freedom` is 0 and no test is defined.
    """

    effect: float
    error: float
    freedom: float

    def p(self, shift: float = 0.0) -> float | None:
        """Two-sided p of effect = shift by Welch's t, None where no test is defined.

        >>> Difference(effect=0.02, error=0.008, freedom=8.0).p() < 0.05
        True
        """
        if self.error == 0:
            return None
        return float(2 * stdtr(self.freedom, -abs(self.effect - shift) / self.error))

    def interval(self, level: float) -> tuple[float, float] | None:
        """The two-sided confidence interval at this level, None where no test is defined.

        >>> low, high = Difference(effect=0.02, error=0.008, freedom=8.0).interval(0.95)
        >>> round(low, 4), round(high, 4)
        (0.0016, 0.0384)
        """
        if self.error == 0:
            return None
        reach = float(stdtrit(self.freedom, 0.5 + level / 2)) * self.error
        return self.effect - reach, self.effect + reach

    def p_within(self, margin: float) -> float | None:
        """p of the two one-sided tests of |effect| >= margin, None where no test is defined.

        >>> difference = Difference(effect=0.002, error=0.002, freedom=8.0)
        >>> difference.p_within(0.01) < 0.05, difference.p_within(0.003) < 0.05
        (True, False)
        """
        if self.error == 0:
            return None
        lower = stdtr(self.freedom, -(self.effect + margin) / self.error)
        upper = stdtr(self.freedom, (self.effect - margin) / self.error)
        return float(max(lower, upper))


def welch(arm: np.ndarray, base: np.ndarray) -> Difference | None:
    """Arm minus base without pairing (Welch 1947); None with fewer than two replicates on a side.

    >>> difference = welch(np.array([0.92, 0.94, 0.93]), np.array([0.90, 0.91, 0.89]))
    >>> round(difference.effect, 3), round(difference.error, 4), round(difference.freedom, 1)
    (0.03, 0.0082, 4.0)
    """
    if len(arm) < 2 or len(base) < 2:
        return None
    parts = arm.var(ddof=1) / len(arm), base.var(ddof=1) / len(base)
    total = float(sum(parts))
    effect = float(arm.mean() - base.mean())
    scale = max(abs(float(arm.mean())), abs(float(base.mean())), 1e-300)
    if total <= (1e-12 * scale) ** 2:
        return Difference(effect, 0.0, 0.0)
    freedom = total**2 / sum(part**2 / (n - 1) for part, n in zip(parts, (len(arm), len(base)), strict=True))
    return Difference(effect, math.sqrt(total), float(freedom))


BORROWED = 3
"""The largest weight, in replicates, of the variance that is borrowed from the other arms."""
COUNTED = 0.75
"""The degrees of freedom of a borrowed replicate. It is below 1 because arms may have different variances."""
APART = 0.9
"""The factor on an arm's degrees of freedom where the common part of the arms was taken out."""
LEAST = 0.1
"""The smallest variance assumed for an arm, as a share of the mean over arms."""


def own_variances(samples: list[np.ndarray]) -> np.ndarray | None:
    """The variance of each arm's replicates without the part that the data split, common to all arms, adds. `[m]`

    Replicate r of every arm is trained on the same split. So arms rise and fall together, and their difference varies less than
    each of them. The variances are Grubbs' (1948), from the variances of all pairwise differences, in which the split cancels.
    None with fewer than three arms, fewer than three replicates, or arms of different numbers.
    """
    counts = {len(sample) for sample in samples}
    if len(samples) < 3 or len(counts) > 1 or min(counts) < 3:
        return None
    values = np.stack([np.asarray(sample, float) for sample in samples])
    values = values - values.mean(1, keepdims=True)
    own = (values**2).sum(1)
    pairs = (own[:, None] + own[None, :] - 2 * values @ values.T) / (values.shape[1] - 1)
    arms = len(samples)
    variances = (pairs.sum(1) - pairs.sum() / 2 / (arms - 1)) / (arms - 2)
    return np.maximum(variances, LEAST * max(float(variances.mean()), 0.0))


@dataclasses.dataclass(frozen=True)
class Spread:
    """How much replicates of each arm vary on one task, moderated by all of them.

    `variances` and degrees of `freedom` (replicates minus one, times APART if `shared`) are by arm, before anything is
    borrowed. `variance` is the mean to borrow from. `weight` is its weight in replicates: one less for each arm short of five,
    and 0 with two arms or with an arm of two replicates. `shared` says that the common part of the replicates was taken out.
    """

    variances: Mapping[str, float]
    freedom: Mapping[str, float]
    variance: float
    weight: float
    shared: bool

    def of(self, arm: str, lowered: bool = True) -> tuple[float, float]:
        """An arm's moderated variance and its degrees of freedom; unless `lowered`, never below its own variance."""
        own, freedom = self.variances[arm], self.freedom[arm]
        mixed = (freedom * own + self.weight * self.variance) / (freedom + self.weight)
        if not lowered and own > mixed:
            return own, freedom  # nothing was borrowed
        return mixed, freedom + COUNTED * self.weight


def spread(samples: Mapping[str, np.ndarray]) -> Spread:
    """The spread of the arms on one task; samples of fewer than two values are left out.

    >>> samples = {'base': np.array([0.90, 0.91, 0.89]), 'one': np.array([0.92, 0.94, 0.93])}
    >>> noise = spread(samples | {'two': np.array([0.90, 0.90, 0.92])})
    >>> noise.weight, noise.shared, round(noise.variance**0.5, 4)
    (1.0, True, 0.0122)
    """
    samples = {arm: np.asarray(sample, float) for arm, sample in samples.items() if sample is not None and len(sample) >= 2}
    own = own_variances(list(samples.values()))
    count = APART if own is not None else 1.0
    freedom = {arm: count * (len(sample) - 1) for arm, sample in samples.items()}
    if own is None:
        own = np.array([sample.var(ddof=1) for sample in samples.values()])
    total = sum(freedom.values())
    mean = float(own @ np.array(list(freedom.values()))) / total if total else 0.0
    # Two replicates tell next to nothing of an arm's own noise, and what others lend would decide.
    enough = min((len(sample) for sample in samples.values()), default=0) >= 3
    weight = float(min(BORROWED, max(len(samples) - 2, 0))) if enough else 0.0
    return Spread(dict(zip(samples, own.tolist(), strict=True)), freedom, mean, weight, count != 1.0)


def moderated(samples: Mapping[str, np.ndarray], arm: str, base: str, noise: Spread) -> Difference | None:
    """Arm minus base by Welch's t, with variances from the spread of all arms; None with fewer than two replicates.

    The moderated variance of an arm with variance s^2 and f degrees of freedom is (f s^2 + w m) / (f + w), where m is the arms'
    mean variance; it has f + 3 w / 4 degrees of freedom. This is limma's moderation (Smyth 2004) with a fixed weight w, because
    five arms are too few to estimate it. The base stands in many comparisons, so its variance is never lowered: if it is above
    m, the base borrows no variance and no degrees of freedom. Simulated familywise errors and power are in LOG.md. Where
    neither side varies the error is 0.

    >>> samples = {'base': np.array([0.90, 0.91, 0.89]), 'one': np.array([0.92, 0.94, 0.93])}
    >>> difference = moderated(samples, 'one', 'base', spread(samples))
    >>> round(difference.effect, 3), round(difference.error, 4), round(difference.freedom, 1)
    (0.03, 0.0082, 4.0)
    """
    if arm not in noise.variances or base not in noise.variances:
        return None
    effect = float(np.mean(samples[arm]) - np.mean(samples[base]))
    if _alike(samples[arm], samples[base], noise.shared):
        return Difference(effect, 0.0, 0.0)
    parts, freedoms = [], []
    for name in (arm, base):
        variance, freedom = noise.of(name, lowered=name != base)
        parts.append(variance / len(samples[name]))
        freedoms.append(freedom)
    total = sum(parts)
    freedom = total**2 / sum(part**2 / count for part, count in zip(parts, freedoms, strict=True))
    return Difference(effect, math.sqrt(total), float(freedom))


def _alike(arm: np.ndarray, base: np.ndarray, shared: bool) -> bool:
    """Whether nothing varies: neither sample, or their difference where they share their splits."""
    scale = 1e-12 * max(float(np.abs(arm).max()), float(np.abs(base).max()), 1e-300)
    return max(float(np.ptp(arm)), float(np.ptp(base))) <= scale or (shared and float(np.ptp(arm - base)) <= scale)


FARTHEST = 1e4
"""An effect further out than this many standard errors gets no number: scipy's noncentral t would search its tail for ever."""


def detectable(difference: Difference, alpha: float, power: float = 0.8) -> float | None:
    """The smallest effect that a test at level `alpha` detects with this power; None where no test is defined.

    By the noncentral t with the difference's own degrees of freedom; also None beyond FARTHEST standard errors.

    >>> round(detectable(Difference(effect=0.0, error=0.008, freedom=8.0), alpha=0.05), 4)
    0.0256
    """
    if difference.error == 0:
        return None
    critical = float(stdtrit(difference.freedom, 1 - alpha / 2))
    if critical > FARTHEST:
        return None
    return float(nctdtrinc(difference.freedom, 1 - power, critical)) * difference.error


def mean_interval(values: np.ndarray, level: float) -> tuple[float, float] | None:
    """Student's interval of a mean; of no width where nothing varies, None with fewer than two values.

    >>> low, high = mean_interval(np.array([0.90, 0.91, 0.89]), 0.95)
    >>> round(low, 4), round(high, 4)
    (0.8752, 0.9248)
    """
    if len(values) < 2:
        return None
    reach = float(stdtrit(len(values) - 1, 0.5 + level / 2)) * float(values.std(ddof=1)) / math.sqrt(len(values))
    return float(values.mean()) - reach, float(values.mean()) + reach


def holm(p_values: list[float]) -> list[float]:
    """Holm's adjusted p-values (1979), in the order given.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = running
    return adjusted


def replicates_to_decide(arm_sd: float, base_sd: float, effect: float, margin: float, alpha: float) -> int | None:
    """The number of replicates that shows this effect to be different from 0, or within the margin, with 80 % power.

    The smaller of the two numbers; None where 1,000 are not enough. `alpha` is the level of the comparison.

    >>> replicates_to_decide(0.01, 0.01, effect=0.02, margin=0.005, alpha=0.05)
    7
    >>> replicates_to_decide(0.01, 0.01, effect=0.0001, margin=0.0001, alpha=0.05) is None
    True
    """

    def enough(n: int) -> bool:
        error = math.sqrt((arm_sd**2 + base_sd**2) / n)
        if error == 0:
            return effect != 0 or margin > 0
        freedom = n - 1
        power = float(stdtrit(freedom, 0.8))
        differs = abs(effect) / error >= float(stdtrit(freedom, 1 - alpha / 2)) + power
        inside = (margin - abs(effect)) / error >= float(stdtrit(freedom, 1 - alpha)) + power
        return differs or inside

    low, high = 2, 1000
    if not enough(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low
