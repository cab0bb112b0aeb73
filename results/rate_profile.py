"""Rate profile: what an arm scores at each learning rate, at the best of the other values, from the surfaces of its replicates.

Points are unit coordinates, the learning rate first; scores are in the good direction, higher better.
"""

import dataclasses
import functools
import math
from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

from results.jackknife import without_each
from results.optimum import candidates, with_choices
from results.stacks import at_once
from results.surface import LENGTHS, errors_along, fit, together

COUNT = 65
"""How many learning rates a profile has."""
BIAS = 0.5
"""How many times the surface's own variance is added to that of the jackknife: what the prior does to all replicates alike."""
HELD = 256
"""How many profiles stay in memory: a page asks for each of them twice."""
APART = 8
"""The surface's own error is worked out at every so many learning rates, and interpolated between."""


Replicates = Sequence[tuple[np.ndarray, np.ndarray]]
"""The units `[n, d]` and scores `[n]` of each replicate."""


@dataclasses.dataclass(frozen=True)
class Profile:
    """The surface of some replicates over the learning rate.

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
        room = stdtrit(self.replicates - 1, (1 + level) / 2) * self.errors
        at_best = self.scores == self.scores.max()
        return np.where(at_best, 0.0, np.maximum(self.lost - room, 0.0)), np.where(at_best, 0.0, self.lost + room)


def profile(replicates: Replicates, smooth: Sequence[bool], count: int = COUNT) -> Profile | None:
    """The profile of some replicates, within the trials that ended.

    `smooth` `[d]` is False for choices. None where no surface fits. Errors are those
    of the jackknife over replicates (Tukey 1958), and the surface's own.

    >>> units = np.linspace(0, 1, 8)[:, None]
    >>> seen = profile([(units, 0.9 - (units[:, 0] - 0.6) ** 2)] * 2, [True], count=11)
    >>> round(float(seen.rates[seen.scores.argmax()]), 1), round(float(seen.scores.max()), 2)
    (0.6, 0.9)
    """
    if not replicates:
        return None
    parts = tuple(
        (np.shape(units), np.asarray(units, float).tobytes(), np.asarray(own, float).tobytes()) for units, own in replicates
    )
    return _profile(parts, tuple(map(bool, smooth)), count)


def profiles(asked: Sequence[tuple[Replicates, Sequence[bool]]]) -> list[Profile | None]:
    """Several profiles, each as `profile` gives it of its replicates and `smooth`, worked out at once."""
    sizes = [sum(len(scores) for _, scores in replicates) for replicates, _ in asked]
    return at_once(lambda one: profile(*one), asked, sum(LENGTHS * size**2 for size in sizes))


@functools.lru_cache(HELD)
def _profile(parts: tuple[tuple[tuple[int, int], bytes, bytes], ...], smooth: tuple[bool, ...], count: int) -> Profile | None:
    replicates = [(np.frombuffer(units).reshape(shape), np.frombuffer(scores)) for shape, units, scores in parts]
    trials = together(replicates, smooth)
    surface = fit(*trials)
    if surface is None:
        return None
    present = [np.isfinite(scores).any() for _, scores in replicates]
    each = iter(without_each(trials, surface) if len(replicates) > 1 else ())
    without = [next(each) if there else surface for there in present if len(replicates) > 1]
    low, high = surface.units.min(0), surface.units.max(0)
    rates = np.linspace(low[0], high[0], count)
    others = candidates(low[1:], high[1:]) if len(low) > 1 else np.empty((1, 0))
    others = np.unique(with_choices(surface, np.insert(others, 0, low[0], axis=1))[:, 1:], axis=0)
    points = np.concatenate([np.repeat(rates, len(others))[:, None], np.tile(others, (count, 1))], 1)
    # A grid takes less work than so many points.
    means = surface.mean(points) if len(low) > 2 else surface.on_grid([rates, *others.T])
    means = means.reshape(count, -1)
    chosen = points.reshape(count, -1, len(low))[np.arange(count), means.argmax(1)]
    scores, best = means.max(1), int(means.max(1).argmax())
    if not without or None in without:
        return Profile(rates, scores, np.full(count, math.nan), 1)
    left = np.stack([own[best] - own for own in (other.mean(chosen) for other in without)])
    spread = (len(left) - 1) / len(left) * ((left - left.mean(0)) ** 2).sum(0)
    places = np.arange(0, count, APART)
    own = np.interp(np.arange(count), places, np.square(errors_along(surface, chosen[places])))
    return Profile(rates, scores, np.sqrt(spread + BIAS * own), len(replicates))
