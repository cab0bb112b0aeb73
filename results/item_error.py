"""Item error: what the fixed items of a test split add to the sampling error of an effect (2411.00640).

Every replicate of every arm is scored on the same items. With other items of the same kind the effect would be another, and no
number of replicates shows that. What the items of both sides have in common cancels, because the items are paired.

Of items i = 1..n and replicates r = 1..R the gap between two arms is D[i, r] = effect + a[i] + b[r] + e[i, r], all independent.
The effect is the mean of all gaps; its variance is var(a) / n + var(b) / R + var(e) / nR. The replicates' means vary by
var(b) + var(e) / n, so a test over replicates knows the last two terms and not the first. The mean squares of a two-way table
without repetition are, by expectation,

    MS_items = R var(a) + var(e)        MS_residual = var(e)

so that the term of the items is (MS_items - MS_residual) / nR, taken as 0 where it is below. Its degrees of freedom are those
of a difference of mean squares (Satterthwaite 1946).

All looks at a growing study have the error of the items in common. So they depend on each other more than looks at fresh
replicates, for which their levels are made, and the error rate that they share is not exceeded.
"""

import math

import numpy as np

from results.statistics import ItemError


def item_error(gaps: np.ndarray) -> ItemError | None:
    """The error of an effect from the items, by the gaps of each replicate on each item, NaN in a missing replicate. `[R, n]`

    None with fewer than two replicates or two items.

    >>> gaps = np.array([[1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 1.0, 1.0]])
    >>> error = item_error(gaps)
    >>> round(error.error, 3), round(error.freedom, 1), error.items
    (0.186, 1.6, 4)
    """
    gaps = np.asarray(gaps, float)
    gaps = gaps[np.isfinite(gaps).all(1)]
    replicates, items = gaps.shape
    if replicates < 2 or items < 2:
        return None
    of_items, of_replicates = gaps.mean(0), gaps.mean(1, keepdims=True)
    residual = ((gaps - of_items - of_replicates + gaps.mean()) ** 2).sum() / ((items - 1) * (replicates - 1))
    between = replicates * float(of_items.var(ddof=1))
    own, rest = (math.sqrt(max(square, 0.0) / (items * replicates)) for square in (between - residual, residual))
    return ItemError(own, items, rest, replicates)
