"""Sequential: looks at a growing study that share one error rate, whatever makes its reader stop.

The looks are numbers of replicates, declared before the first read. Each spends a share of the error rate, and what an earlier
look has spent counts as spent (Lan and DeMets 1983). Levels come from the joint normal distribution of the looks, by the
recursion of Armitage, McPherson and Rowe (1969), and are applied to p-values of t tests (Jennison and Turnbull 2000, 4.4). Of
many looks that spends too much, up to 6 % for 5, so that these have the levels of t statistics (`results/student_looks.py`).
"""

import functools
import itertools
import math
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr, ndtri

from results.student_looks import student_levels

POINTS = 161
"""Grid points of the density of studies that have claimed nothing yet."""
TOTALS = np.geomspace(1e-12, 1.0, 49)
"""Error rates between which levels are interpolated."""


def shares_of(looks: Sequence[int]) -> tuple[float, ...]:
    """The default shares of the error rate: by look n of N at most (n / N)^2 is spent.

    >>> [round(share, 2) for share in shares_of((3, 5, 8))]
    [0.14, 0.25, 0.61]
    """
    spent = [0.0, *((look / looks[-1]) ** 2 for look in looks)]
    return tuple(after - before for before, after in itertools.pairwise(spent))


@functools.lru_cache(maxsize=4096)
def levels(looks: tuple[int, ...], shares: tuple[float, ...], total: float) -> tuple[float, ...]:
    """The level of a two-sided test at each look, so that all of them together have the error rate `total`.

    `looks` are rising numbers of replicates; `shares` say how much of `total` each look spends, and add up to 1.

    >>> [round(level, 4) for level in levels((3, 5), (0.36, 0.64), 0.05)]
    [0.018, 0.0415]
    """
    made, grid, density, before = [], None, None, 0.0
    for look, share in zip(looks, shares, strict=True):
        time, spend = look / looks[-1], share * total
        step = math.sqrt(time - before)
        if grid is None:
            bound = -float(ndtri(spend / 2)) * step if spend else math.inf
        else:
            bound = _bound(grid, density, step, spend)
        level = 2 * float(ndtr(-bound / math.sqrt(time)))
        made.append(level)
        edge = min(bound, 9 * math.sqrt(time))
        fresh = np.linspace(-edge, edge, POINTS)
        if grid is None:
            passed = _normal(fresh / step) / step
        else:
            passed = _normal((fresh[:, None] - grid[None]) / step) / step @ density
        grid, density, before = fresh, passed * _simpson(edge), time
    return tuple(made)


def _bound(grid: np.ndarray, density: np.ndarray, step: float, spend: float) -> float:
    """The bound that a study without an earlier claim crosses with probability `spend`."""
    low, high = 0.0, float(np.abs(grid[-1])) + 10 * step
    for _ in range(70):
        middle = (low + high) / 2
        crossed = float((ndtr((-middle - grid) / step) + ndtr((grid - middle) / step)) @ density)
        low, high = (middle, high) if crossed > spend else (low, middle)
    return high


def _normal(values: np.ndarray) -> np.ndarray:
    return np.exp(-0.5 * values * values) / math.sqrt(2 * math.pi)


def _simpson(edge: float) -> np.ndarray:
    """Weights of Simpson's rule on `POINTS` points from -edge to edge."""
    weights = np.ones(POINTS)
    weights[1:-1:2], weights[2:-1:2] = 4.0, 2.0
    return weights * (2 * edge / (POINTS - 1) / 3)


@functools.lru_cache(maxsize=256)
def _table(looks: tuple[int, ...], shares: tuple[float, ...], student: bool) -> np.ndarray:
    """Logarithms of the levels by total error rate and look. `[totals, looks]`"""
    of = student_levels if student else levels
    rows = np.array([of(looks, shares, float(total)) for total in TOTALS])
    return np.log(np.maximum(np.maximum.accumulate(rows, 0), 1e-300))


def sequential(p: float, place: int, looks: tuple[int, ...], shares: tuple[float, ...], student: bool = False) -> float:
    """The error rate at which look number `place` would just claim: what a two-sided p-value is worth among all looks.

    The least of it over the looks so far is a p-value at any of them, for whatever reason the study stops there. `student`: by
    the levels of t statistics in place of normal ones.

    >>> round(sequential(0.018, 0, (3, 5), (0.36, 0.64)), 3), sequential(0.02, 0, (5,), (1.0,))
    (0.05, 0.02)
    """
    if len(looks) == 1 or p <= 0:
        return p
    column = _table(looks, shares, student)[:, place]
    if math.log(p) > column[-1]:
        return 1.0
    return float(np.exp(np.interp(math.log(p), column, np.log(TOTALS))))
