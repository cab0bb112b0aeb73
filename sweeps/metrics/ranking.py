"""Ranking: the area under the receiver operating curve, the mean over labels."""

import numpy as np

from sweeps.metrics.measure import Measure


class RankedArea(Measure):
    """AUROC: how often a positive example has a higher score than a negative one, ties by half; the mean over K labels.

    Statistics are [score_1..score_K, y_1..y_K] with y 1, 0 or -1 where the label is missing. The influence of an example is
    that of DeLong, DeLong and Clarke-Pearson (1988): how often it is ranked rightly, less the area, over the examples on its
    side. A label of which a resample has one side only is left out of its mean.

    >>> RankedArea().scored(np.array([[0.9, 1], [0.2, 0], [0.4, 1], [0.6, 0]]), np.arange(4)).score
    0.75
    """

    def values(self, statistics: np.ndarray, weights: np.ndarray) -> np.ndarray:
        areas = []
        for score, y in self._labels(statistics):
            known = y >= 0
            order = np.argsort(score[known], kind='stable')
            own, positive, drawn = score[known][order], y[known][order] == 1, weights[:, known][:, order]
            starts = np.flatnonzero(np.diff(own, prepend=np.nan) != 0)
            if not len(starts):
                areas.append(np.full(len(weights), np.nan))
                continue
            hits, misses = (np.add.reduceat(drawn * side, starts, axis=1) for side in (positive, ~positive))
            below = np.cumsum(misses, 1) - misses / 2
            pairs = hits.sum(1) * misses.sum(1)
            areas.append(np.where(pairs > 0, (hits * below).sum(1) / np.where(pairs > 0, pairs, 1), np.nan))
        areas = np.stack(areas)
        there = np.isfinite(areas)
        count = there.sum(0)
        return np.where(count > 0, np.where(there, areas, 0).sum(0) / np.maximum(count, 1), np.nan)

    def influence(self, statistics: np.ndarray) -> np.ndarray:
        total, labels = np.zeros(len(statistics)), 0
        for score, y in self._labels(statistics):
            sides = np.sort(score[y == 1]), np.sort(score[y == 0])
            if not all(map(len, sides)):
                continue
            labels += 1
            rightly = {1: _below(sides[1], score), 0: 1 - _below(sides[0], score)}
            area = rightly[1][y == 1].mean()
            for side, ranked in rightly.items():
                total += np.where(y == side, ranked - area, 0) / (y == side).sum()
        return total / max(labels, 1)

    @staticmethod
    def _labels(statistics: np.ndarray) -> zip:
        scores, y = np.split(statistics, 2, axis=1)
        return zip(scores.T, y.T, strict=True)


def _below(others: np.ndarray, score: np.ndarray) -> np.ndarray:
    """The share of sorted `others` below each score, ties by half. `[m], [n] -> [n]`"""
    return (np.searchsorted(others, score, 'left') + np.searchsorted(others, score, 'right')) / (2 * len(others))
