"""Family: the comparisons of a study share one error rate, whatever is said of them: better, worse, equivalent or unstable.

Differences and rates of divergence are tested step by step, from the smallest p-value on (Holm 1979). A difference that was
claimed leaves the family only where nothing more can be said of it, because of one comparison either "no difference" or
"beyond the margin" can be a truth that is denied, never both. Equivalence is tested at the level of one comparison among all.
"""

import dataclasses
from collections.abc import Mapping, Sequence

from results.divergence import RateTest

Row = tuple[str, str]
"""Arm and task."""


ALIKE = RateTest(1.0, 1.0)
"""The test of rates where nothing diverged."""


@dataclasses.dataclass(frozen=True)
class PValues:
    """What was measured of a comparison: two-sided p of no difference, p of an effect beyond the margin, the rates' test."""

    p: float | None = None
    p_within: float | None = None
    beyond: bool = False
    """Whether the effect seen lies beyond the margin, so that equivalence can never be said."""
    rates: RateTest = ALIKE


@dataclasses.dataclass(frozen=True)
class Adjusted:
    """The p-values of a comparison among those of its study; None where no test is defined."""

    p: float | None
    p_within: float | None
    p_rates: float


def adjusted(rows: Mapping[Row, PValues], family: int, alpha: float) -> dict[Row, Adjusted]:
    """Adjusted p-values by row. `family` comparisons share `alpha`, those without a test too.

    >>> rows = {('a', 'digits'): PValues(p=0.001, p_within=0.9, beyond=True), ('b', 'digits'): PValues(p=0.03, p_within=0.4)}
    >>> [round(one.p, 3) for one in adjusted(rows, family=2, alpha=0.05).values()]
    [0.002, 0.03]
    """
    count = family + claimable([row.rates for row in rows.values()], family, alpha)
    within = {key: None if row.p_within is None else min(1.0, family * row.p_within) for key, row in rows.items()}
    ordered = [(row.p, key, 'p') for key, row in rows.items() if row.p is not None]
    ordered += [(row.rates.p, key, 'p_rates') for key, row in rows.items() if row.rates.least * count <= alpha]
    made = {key: {'p': None, 'p_within': within[key], 'p_rates': 1.0} for key in rows}
    least = 0.0
    for p, key, name in sorted(ordered):
        least = made[key][name] = max(least, min(1.0, count * p))
        equal = within[key] is not None and within[key] <= alpha
        if name == 'p_rates' or rows[key].beyond or equal:
            count -= 1
    return {key: Adjusted(**values) for key, values in made.items()}


def claimable(rates: Sequence[RateTest], family: int, alpha: float) -> int:
    """How many tests of rates could be significant beside `family` other tests (Tarone 1990).

    >>> claimable([RateTest(1.0, 1.0), RateTest(0.02, 0.001)], family=4, alpha=0.05)
    1
    """
    for count in range(len(rates)):
        if sum(test.least * (family + count) <= alpha for test in rates) <= count:
            return count
    return len(rates)
