"""Statistics: tests and intervals on a handful of replicates. Zero variance is an answer here, never NaN."""

import dataclasses
import math

import numpy as np
from scipy.special import nctdtrinc, stdtr, stdtrit


@dataclasses.dataclass(frozen=True)
class Difference:
    """Arm minus base over replicates: the effect, its standard error and Welch's degrees of freedom.

    `error` 0 means that neither side varied; `freedom` is then 0, and no test is defined.
    """

    effect: float
    error: float
    freedom: float

    def p(self, shift: float = 0.0) -> float | None:
        """Two-sided p of effect = shift by Welch's t, None where no test is defined."""
        if self.error == 0:
            return None
        return float(2 * stdtr(self.freedom, -abs(self.effect - shift) / self.error))

    def interval(self, level: float) -> tuple[float, float] | None:
        """The two-sided confidence interval at this level, None where no test is defined."""
        if self.error == 0:
            return None
        reach = float(stdtrit(self.freedom, 0.5 + level / 2)) * self.error
        return self.effect - reach, self.effect + reach

    def p_within(self, margin: float) -> float | None:
        """p of the two one-sided tests of |effect| >= margin, None where no test is defined."""
        if self.error == 0:
            return None
        lower = stdtr(self.freedom, -(self.effect + margin) / self.error)
        upper = stdtr(self.freedom, (self.effect - margin) / self.error)
        return float(max(lower, upper))


def welch(arm: np.ndarray, base: np.ndarray) -> Difference | None:
    """Arm minus base without pairing (Welch 1947); None with fewer than two replicates on a side."""
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
"""At most this many replicates' worth of variance is borrowed from the other arms."""
COUNTED = 0.5
"""Degrees of freedom that a borrowed replicate counts for: arms that are not alike must not make a test sure of itself."""


@dataclasses.dataclass(frozen=True)
class Pool:
    """The variances of all arms on one task together: their mean, weighed by degrees of freedom, and how much it counts.

    `weight` is the number of replicates' worth that an arm borrows: one less for each arm short of five, 0 with two.
    """

    variance: float
    weight: float


def pool(samples: list[np.ndarray]) -> Pool:
    """The pool of samples of at least two values each; those with fewer are left out."""
    samples = [sample for sample in samples if len(sample) >= 2]
    freedom = sum(len(sample) - 1 for sample in samples)
    if not freedom:
        return Pool(0.0, 0.0)
    variance = sum(float(sample.var(ddof=1)) * (len(sample) - 1) for sample in samples) / freedom
    return Pool(variance, float(min(BORROWED, max(len(samples) - 2, 0))))


def moderated(arm: np.ndarray, base: np.ndarray, pooled: Pool) -> Difference | None:
    """Arm minus base by Welch's t with variances moderated by the pool; None with fewer than two replicates on a side.

    With R replicates of variance s^2 an arm counts as (R - 1) s^2 and w of the pool's variance, over R - 1 + w, with
    R - 1 + w / 2 degrees of freedom: variances moderated as in limma (Smyth 2004), by a fixed weight, since five arms do not
    tell how alike their variances are. The base stands in every comparison, so its own variance is never lowered. Simulated
    familywise errors and power are in LOG.md. Where neither side varies, neither does this difference.
    """
    plain = welch(arm, base)
    if plain is None or plain.error == 0:
        return plain
    parts, freedoms = [], []
    for sample, lowered in ((arm, True), (base, False)):
        own, freedom = float(sample.var(ddof=1)), len(sample) - 1
        mixed = (freedom * own + pooled.weight * pooled.variance) / (freedom + pooled.weight)
        parts.append((mixed if lowered else max(mixed, own)) / len(sample))
        freedoms.append(freedom + COUNTED * pooled.weight)
    total = sum(parts)
    freedom = total**2 / sum(part**2 / count for part, count in zip(parts, freedoms, strict=True))
    return Difference(plain.effect, math.sqrt(total), float(freedom))


def detectable(difference: Difference, alpha: float, power: float = 0.8) -> float | None:
    """The smallest effect that a test at this level finds with this power, at this noise; None where no test is defined.

    By the noncentral t of the difference's own degrees of freedom.
    """
    if difference.error == 0:
        return None
    critical = float(stdtrit(difference.freedom, 1 - alpha / 2))
    return float(nctdtrinc(difference.freedom, 1 - power, critical)) * difference.error


def mean_interval(values: np.ndarray, level: float) -> tuple[float, float] | None:
    """Student's interval of a mean; the point itself where nothing varies, None with fewer than two values."""
    if len(values) < 2:
        return None
    reach = float(stdtrit(len(values) - 1, 0.5 + level / 2)) * float(values.std(ddof=1)) / math.sqrt(len(values))
    return float(values.mean()) - reach, float(values.mean()) + reach


def holm(p_values: list[float]) -> list[float]:
    """Holm's adjusted p-values (1979), in the order given."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = running
    return adjusted


def replicates_to_decide(arm_sd: float, base_sd: float, effect: float, margin: float, alpha: float) -> int | None:
    """Replicates with which this effect would be told from 0, or shown to be within the margin, with 80 % power.

    The smaller of the two; None where even 1,000 would not do. `alpha` is the level that the comparison has to meet.
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
