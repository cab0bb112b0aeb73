"""Rate profile: what an arm scores at each learning rate, at the best of the other values, from the surfaces of its replicates.

Points are unit coordinates, the learning rate first; scores are in the good direction, higher better.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from results.surface import candidates, fitted, with_choices

COUNT = 65
"""How many learning rates a profile has."""
APART = 8
"""The error of surfaces is worked out at every so many of them, and interpolated between."""
BIAS = 0.25
"""How much of the surfaces' own variance counts beside the spread of replicates: what the prior does to all of them alike. With
0 an interval of 95 % held the window in 66 to 100 % of simulated arms, with this in 95 % or more (LOG.md)."""


@dataclasses.dataclass(frozen=True)
class Profile:
    """The mean surface of some replicates over the learning rate.

    `rates` and `scores` `[n]`; `errors` `[n]` are the standard errors of what is lost against the best rate, NaN with one
    replicate; `replicates` is their number.
    """

    rates: np.ndarray
    scores: np.ndarray
    errors: np.ndarray
    replicates: int

    @property
    def lost(self) -> np.ndarray:
        """What is lost at each rate against the best one. `[n]`"""
        return self.scores.max() - self.scores

    def bounds(self, level: float) -> tuple[np.ndarray, np.ndarray] | None:
        """What is lost at least and at most at each rate, at a confidence level (Student); None with one replicate. `[n]`"""
        if self.replicates < 2:
            return None
        room = stats.t.ppf((1 + level) / 2, self.replicates - 1) * self.errors
        at_best = self.scores == self.scores.max()
        return np.where(at_best, 0.0, np.maximum(self.lost - room, 0.0)), np.where(at_best, 0.0, self.lost + room)


def profile(replicates: Sequence[tuple[np.ndarray, np.ndarray]], smooth: Sequence[bool], count: int = COUNT) -> Profile | None:
    """The profile of some replicates, within the trials that ended.

    `replicates` is [(units [n, d], scores [n])], `smooth` `[d]` False for choices. None where no replicate has a surface.

    >>> units = np.linspace(0, 1, 8)[:, None]
    >>> seen = profile([(units, 0.9 - (units[:, 0] - 0.6) ** 2)] * 2, [True], count=11)
    >>> round(float(seen.rates[seen.scores.argmax()]), 1), round(float(seen.scores.max()), 2)
    (0.6, 0.9)
    """
    surfaces = [made for units, scores in replicates if (made := fitted(units, scores, smooth)) is not None]
    if not surfaces:
        return None
    tried = np.concatenate([surface.units for surface in surfaces])
    low, high = tried.min(0), tried.max(0)
    rates = np.linspace(low[0], high[0], count)
    others = candidates(low[1:], high[1:]) if len(low) > 1 else np.empty((1, 0))
    others = np.unique(with_choices(surfaces[0], np.insert(others, 0, low[0], axis=1))[:, 1:], axis=0)
    points = np.concatenate([np.repeat(rates, len(others))[:, None], np.tile(others, (count, 1))], 1)
    by_surface = np.stack([surface.mean(points) for surface in surfaces]).reshape(len(surfaces), count, -1)
    means = by_surface.mean(0)
    chosen = means.argmax(1)
    scores, own = means.max(1), by_surface[:, np.arange(count), chosen]
    if len(surfaces) == 1:
        return Profile(rates, scores, np.full(count, math.nan), 1)
    lost = own[:, [scores.argmax()]] - own
    places = np.arange(0, count, APART)
    told = [[surface.error(points.reshape(count, -1, len(low))[i, chosen[i]]) for i in places] for surface in surfaces]
    bias = np.interp(np.arange(count), places, np.square(told).mean(0))
    return Profile(rates, scores, np.sqrt((lost.var(0, ddof=1) + BIAS * bias) / len(surfaces)), len(surfaces))
