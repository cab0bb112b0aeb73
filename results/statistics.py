"""Statistics: tests and intervals on a handful of replicates. Zero variance is an answer here, never NaN."""

import dataclasses
import math

import numpy as np
from scipy.special import nctdtr, nctdtrinc, ndtr, stdtr, stdtrit

from ablations.tasks.metrics import metric


@dataclasses.dataclass(frozen=True)
class ItemError:
    """The standard error that an effect has from the `items` of the test split (results/item_error.py).

    More replicates do not make it smaller; they make it better known. The variance of single items between so many `replicates`
    gives the effect a standard error of `residual`. It is part of the error over replicates.
    """

    error: float
    items: int
    residual: float = 0.0
    replicates: int = 2

    @property
    def freedom(self) -> float:
        """Degrees of freedom of its square, a difference of mean squares (Satterthwaite 1946)."""
        own, rest = self.error**2, self.residual**2
        spread = (own + rest) ** 2 + rest**2 / (self.replicates - 1)
        return own**2 * (self.items - 1) / spread if spread else 0.0

    def replicated(self, count: int) -> 'ItemError':
        """The same as `count` replicates would measure it."""
        return dataclasses.replace(self, residual=self.residual * math.sqrt(self.replicates / count), replicates=count)


@dataclasses.dataclass(frozen=True)
class Difference:
    """Arm minus base over replicates: the effect, its standard error and the degrees of freedom of its t.

    An `error` of 0 means that neither side varied; then `freedom` is 0 and no test is defined. Where `items` are known, their
    error is part of `error`, and `alone` is the difference by replicates alone; it is None where nothing was added.
    """

    effect: float
    error: float
    freedom: float
    items: ItemError | None = None
    alone: 'Difference | None' = None

    def with_items(self, items: ItemError | None) -> 'Difference':
        """The same difference with the error of the test split's items; degrees of freedom by Welch and Satterthwaite.

        A difference without a test stays without one: what its replicates vary by is not known.

        >>> Difference(effect=0.02, error=0.003, freedom=4.0).with_items(ItemError(error=0.004, items=360))
        ... # doctest: +ELLIPSIS
        Difference(effect=0.02, error=0.005, freedom=29.8..., items=..., alone=...)
        """
        if items is None or not (self.error and items.error):
            return self if items is None else dataclasses.replace(self, items=items)
        parts = self.error**2, items.error**2
        freedom = sum(parts) ** 2 / (parts[0] ** 2 / self.freedom + parts[1] ** 2 / items.freedom)
        return Difference(self.effect, math.sqrt(sum(parts)), freedom, items, self)

    def p(self, shift: float = 0.0) -> float | None:
        """Two-sided p of effect = shift by Student's t, None where no test is defined.

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

    def p_above(self, least: float) -> float | None:
        """One-sided p of an effect of `least` or less, against a larger one; None where no test is defined.

        >>> Difference(effect=0.002, error=0.002, freedom=8.0).p_above(-0.01) < 0.001
        True
        """
        return None if self.error == 0 else float(stdtr(self.freedom, (least - self.effect) / self.error))

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


POWER = 0.8
FARTHEST = 1e4
"""An effect further out than this many standard errors gets no number: scipy's noncentral t would search its tail for ever."""


def detectable(difference: Difference, alpha: float, power: float = POWER) -> float | None:
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


def within(interval: tuple[float, float] | None, name: str) -> tuple[float, float] | None:
    """The part of an interval of a metric's value that lies in the metric's natural range.

    The true value lies in that range, so that the part covers it as often as the whole. An interval whose middle does not lie
    there is not of the metric that it is called by; it stays as it is.

    >>> within((0.98, 1.01), 'accuracy'), within((-0.1, 0.4), 'rmse'), within((-0.2, 0.4), 'r2')
    ((0.98, 1.0), (0.0, 0.4), (-0.2, 0.4))
    """
    if interval is None:
        return None
    known = metric(name)
    if not known.low <= sum(interval) / 2 <= known.high:
        return interval
    return tuple(min(max(end, known.low), known.high) for end in interval)


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


def replicated(difference: Difference, replicates: int, count: int, borrows: float = math.inf) -> Difference:
    """A difference of so many `replicates` as `count` of them would likely measure it.

    What a test borrows beside its own replicates is borrowed again. Where it borrows in proportion to them, up to `borrows`
    degrees of freedom (BORROWED in results/noise.py), with fewer of them it borrows less. The error of the test split's items
    stays.

    >>> five = Difference(effect=0.02, error=0.008, freedom=7.0)
    >>> more = replicated(five, replicates=5, count=20)
    >>> more.error, more.freedom, replicated(five, 5, count=3, borrows=4).freedom
    (0.004, 22.0, 3.5)
    """
    alone, items = difference.alone or difference, difference.items
    borrowed = max(alone.freedom - (replicates - 1), 0.0)
    if borrows < math.inf:
        borrowed *= min(borrows, count - 1) / min(borrows, replicates - 1)
    error = alone.error * math.sqrt(replicates) / math.sqrt(count)
    made = Difference(difference.effect, error, count - 1 + borrowed)
    return made.with_items(items and items.replicated(count))


def replicates_to_decide(difference: Difference, replicates: int, margin: float, alpha: float) -> int | None:
    """The number of replicates that shows this effect to be different from 0, or within the margin, with 80 % power.

    The smaller of the two numbers; None where 1,000 are not enough. `difference` was measured with so many `replicates`, and
    `alpha` is the level of the comparison.

    >>> measured = Difference(effect=0.02, error=0.0063, freedom=6.0)
    >>> replicates_to_decide(measured, replicates=5, margin=0.005, alpha=0.05)
    6
    """

    def enough(count: int) -> bool:
        return _decides(replicated(difference, replicates, count), margin, alpha)

    low, high = 2, 1000
    if not enough(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low


def is_resolved(difference: Difference, margin: float, alpha: float) -> bool:
    """Whether endless replicates would show this effect to be different from 0, or within the margin, with 80 % power.

    Only the error of the test split's items is left then.

    >>> measured = Difference(0.004, 0.01, 4.0).with_items(ItemError(error=0.008, items=360))
    >>> is_resolved(measured, margin=0.01, alpha=0.05), is_resolved(measured, margin=0.03, alpha=0.05)
    (False, True)
    """
    items = difference.items if difference.alone else None
    return items is None or _decides(Difference(difference.effect, items.error, items.items - 1.0), margin, alpha)


def _decides(difference: Difference, margin: float, alpha: float) -> bool:
    """Whether a difference like this one is shown to be other than 0, or within the margin, with 80 % power."""
    effect, error, freedom = abs(difference.effect), difference.error, difference.freedom
    if error == 0:
        return effect != 0 or margin > 0
    critical = float(stdtrit(freedom, 1 - alpha / 2))
    differs = _beyond(freedom, effect / error, critical) + _beyond(freedom, -effect / error, critical)
    one_sided = float(stdtrit(freedom, 1 - alpha))
    sides = _beyond(freedom, (margin - effect) / error, one_sided), _beyond(freedom, (margin + effect) / error, one_sided)
    return max(differs, sum(sides) - 1) >= POWER


def _beyond(freedom: float, shift: float, critical: float) -> float:
    """How often a t statistic shifted by so many standard errors exceeds a critical value: the noncentral t."""
    if abs(shift) > FARTHEST or critical > FARTHEST:
        return float(shift > critical)
    below = float(nctdtr(freedom, shift, critical))
    if below != below:
        # scipy gives no number for some large shifts: then the normal approximation (Johnson and Welch 1940).
        scale = math.sqrt(1 + critical**2 / (2 * freedom))
        below = float(ndtr((critical * (1 - 1 / (4 * freedom)) - shift) / scale))
    return 1 - below
