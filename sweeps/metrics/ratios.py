"""Ratios: means over classes or targets of a ratio of sums over examples.

    balanced accuracy   right examples of a class over its examples (the mean of its recalls)
    macro-F1            2 hits over what was given as the class and what is of it
    mean IoU            hits over the places that are of the class, were given as it, or both
    MAE, accuracy       absolute errors, or right answers, over what is known of a target
    RMSE                the square root of squared errors over what is known of a target
    R2                  1 - squared errors over squared distances from the mean

A class without any example in a resample is left out of its mean.
"""

import dataclasses

import numpy as np

from sweeps.metrics.measure import Measure


class MeanRatio(Measure):
    """The mean over K of sum N_k / sum D_k, from statistics [N_1..N_K, D_1..D_K] of each example.

    >>> right, of_class = np.array([[1, 0], [0, 0], [0, 1]]), np.array([[1, 0], [1, 0], [0, 1]])
    >>> MeanRatio().scored(np.hstack([right, of_class]), np.arange(3)).score
    0.75
    """

    def outer(self, ratio: np.ndarray) -> np.ndarray:
        """The function of each ratio whose mean is taken."""
        return ratio

    def slope(self, ratio: np.ndarray) -> np.ndarray:
        """The derivative of `outer`."""
        return np.ones_like(ratio)

    def sums(self, statistics: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The sums of numerators and of denominators. `[n, S], [R, n] -> [R, K], [R, K]`"""
        return tuple(np.split(weights @ statistics, 2, axis=1))

    def parts(self, statistics: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What each example adds to the sums, as far as the first derivative goes. `[n, S] -> [n, K], [n, K]`"""
        return tuple(np.split(statistics, 2, axis=1))

    def values(self, statistics: np.ndarray, weights: np.ndarray) -> np.ndarray:
        above, below = self.sums(statistics, weights)
        there = below > 0
        made = np.where(there, self.outer(above / np.where(there, below, 1)), 0)
        count = there.sum(1)
        return np.where(count > 0, made.sum(1) / np.maximum(count, 1), np.nan)

    def influence(self, statistics: np.ndarray) -> np.ndarray:
        above, below = (part.sum(0) for part in self.parts(statistics))
        there = below > 0
        ratio = above / np.where(there, below, 1)
        own_above, own_below = self.parts(statistics)
        each = self.slope(ratio) * (own_above - ratio * own_below) / np.where(there, below, 1)
        return np.where(there, each, 0).sum(1) / max(int(there.sum()), 1)

    def is_mean(self, statistics: np.ndarray) -> bool:
        below = self.parts(statistics)[1]
        return type(self) is MeanRatio and bool((below == below[:1]).all())


class RootMeanRatio(MeanRatio):
    """The mean over K of the square root of sum N_k / sum D_k."""

    def outer(self, ratio: np.ndarray) -> np.ndarray:
        return np.sqrt(ratio)

    def slope(self, ratio: np.ndarray) -> np.ndarray:
        return np.where(ratio > 0, 0.5 / np.sqrt(np.where(ratio > 0, ratio, 1)), 0)


class Determination(MeanRatio):
    """R2, the mean over K of 1 - sum e_k^2 / sum (y_k - mean y_k)^2, from statistics [e^2, y, known] of each example.

    >>> y = np.array([[1.0], [2.0], [3.0]])
    >>> Determination().scored(np.hstack([0 * y + 0.5, y, 0 * y + 1]), np.arange(3)).score
    0.25
    """

    def outer(self, ratio: np.ndarray) -> np.ndarray:
        return 1 - ratio

    def slope(self, ratio: np.ndarray) -> np.ndarray:
        return -np.ones_like(ratio)

    def sums(self, statistics: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        squares, y, known = np.split(statistics, 3, axis=1)
        # About the mean of all, so that a resample's own mean takes away little and rounding nothing.
        apart = known * (y - self._mean(y, known))
        count, total = weights @ known, weights @ apart
        return weights @ squares, weights @ (apart**2) - total**2 / np.maximum(count, 1)

    def parts(self, statistics: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        squares, y, known = np.split(statistics, 3, axis=1)
        return squares, known * (y - self._mean(y, known)) ** 2

    @staticmethod
    def _mean(y: np.ndarray, known: np.ndarray) -> np.ndarray:
        return (known * y).sum(0) / np.maximum(known.sum(0), 1)


@dataclasses.dataclass(frozen=True)
class ClassRatio(Measure):
    """The mean over classes of a ratio, from two statistics of each example: its class, and the class that was given.

    The same as a `MeanRatio` with a numerator and a denominator for each class, in the memory of two numbers an example: sets
    may have thousands of classes. With `given` it is macro-F1: the denominator counts the examples of a class and those that
    were given as it, and the numerator counts each hit twice. Without, it is balanced accuracy, the mean of the recalls.

    >>> ClassRatio(given=False).scored(np.array([[0, 0], [0, 1], [1, 1]]), np.arange(3)).score
    0.75
    """

    given: bool

    def values(self, statistics: np.ndarray, weights: np.ndarray) -> np.ndarray:
        made = []
        for row in weights:
            above, below = self._sums(statistics, row)
            there = below > 0
            made.append((above[there] / below[there]).mean() if there.any() else np.nan)
        return np.array(made)

    def influence(self, statistics: np.ndarray) -> np.ndarray:
        truth, said = statistics.astype(np.int64).T
        above, below = self._sums(statistics, np.ones(len(statistics)))
        share = 1 / np.maximum(below, 1)
        ratio, right = above * share, truth == said
        if not self.given:
            return (right - ratio[truth]) * share[truth] / (below > 0).sum()
        # A hit adds to its class in all places; a miss to the denominators of two classes.
        return ((2 * right - ratio[truth]) * share[truth] - ratio[said] * share[said]) / (below > 0).sum()

    def _sums(self, statistics: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Numerators and denominators of all classes: `[n, 2], [n] -> [V], [V]`."""
        truth, said = statistics.astype(np.int64).T
        right, size = truth == said, int(statistics.max()) + 1
        hits, below = np.bincount(truth[right], weights[right], size), np.bincount(truth, weights, size)
        return (2 * hits, below + np.bincount(said, weights, size)) if self.given else (hits, below)
