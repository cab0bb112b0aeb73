"""Extension: the edges of the ranges past which an arm searches on. No jax.

A side is a tuned value and its `low` or `high` end; points are unit coordinates, scores in the good direction.
"""

import dataclasses
import functools
import math
from collections.abc import Hashable, Mapping, Sequence

import numpy as np

from results.edges import Box, Edges, Range, Side, edges_of

NEAR = 1 / 8
"""The largest distance that counts as close to an edge, as a share of the study's own range."""

NEARLY = 0.5
"""A round searches past a side where the surface is lower there by less than this many standard errors of a score. A surface
bends back where it has no trials, and a round costs no more past an edge than inside. Measurements are in LOG.md."""
ROUNDING = 1e-6
"""An optimum lies at an edge where the gain past it is above this share of a score's standard error: rounding never is."""

Measured = tuple[np.ndarray, np.ndarray]
"""Units `[n, d]` and scores `[n]` of the trials of a replicate, -inf where one diverged."""


@dataclasses.dataclass(frozen=True)
class Tuned:
    """The tuning of one arm with one optimizer: which values have an order, the ranges so far, the ends of extensions, and the
    trials of a replicate, or of several that are read together."""

    smooth: Sequence[bool]
    box: Box
    ends: Mapping[Side, float]
    measured: Sequence[Measured]

    def together(self) -> Measured:
        """The trials of all replicates as one."""
        return tuple(np.concatenate(parts) for parts in zip(*self.measured, strict=True))

    @functools.cached_property
    def beyond(self) -> dict[Side, float]:
        """The ends of extensions, without a side where runs diverge: a cliff ends the range there, unseen by a surface.

        That is a side with most of its outermost trials diverged, and higher rates if the highest one diverged.
        """
        trials, names = self.together(), list(self.box)
        cliff = below_divergence(*trials, self.box) != self.box
        return {
            (name, side): end
            for (name, side), end in self.ends.items()
            if not (
                _falls_off(trials, names.index(name), self.box[name], side) or (cliff and (name, side) == (names[0], 'high'))
            )
        }


def sides_to_search(asked: Mapping[Hashable, Tuned]) -> dict[Hashable, list[Side]]:
    """The sides past which the surface is not clearly lower than inside; what has none is left out.

    `asked` names what is tuned, with one optimizer. With too few trials for a surface, a side counts if the best trial is close
    to it. Where all diverged, lower learning rates (the first value) are searched.
    """
    sides = {}
    for key, told in _looked(asked).items():
        tuned, lower = asked[key], (next(iter(asked[key].box)), 'low')
        if told:
            named = [side for side, gain in told.gains.items() if gain > -NEARLY * told.noise]
        elif np.isfinite(tuned.together()[1]).any():
            named = _near(tuned)
        else:
            named = [lower] if lower in tuned.ends else []
        if named:
            sides[key] = named
    return sides


def sides_past_edges(arms: Mapping[str, Mapping[str, Tuned]]) -> dict[str, dict[str, list[Side]]]:
    """By arm and optimizer, the sides past which the surface rises, to the arm's best score or more with any optimizer.

    With too few trials for a surface, a side counts if the best trial is close to it. Arms without a side are left out.
    """
    looked = _looked({(arm, optimizer): tuned for arm, tunings in arms.items() for optimizer, tuned in tunings.items()})
    sides: dict[str, dict[str, list[Side]]] = {}
    for (arm, optimizer), told in looked.items():
        top = max(other.inside for (whose, _), other in looked.items() if other and whose == arm) if told else math.nan
        if told is None:
            named = _near(arms[arm][optimizer])
        else:
            named = [side for side, gain in told.gains.items() if gain > ROUNDING * told.noise and told.inside + gain >= top]
        if named:
            sides.setdefault(arm, {})[optimizer] = named
    return sides


def _looked(asked: Mapping[Hashable, Tuned]) -> dict[Hashable, Edges | None]:
    """What surfaces say of the edges of each."""
    ranges = [Range(tuned.measured, tuned.smooth, tuned.box, tuned.beyond) for tuned in asked.values()]
    return dict(zip(asked, edges_of(ranges), strict=True))


def _falls_off(trials: Measured, column: int, box: tuple[float, float], side: str) -> bool:
    """Whether most of the trials close to an end diverged."""
    units, scores = trials
    outer = units[:, column] < box[0] + NEAR if side == 'low' else units[:, column] > box[1] - NEAR
    return np.isinf(scores[outer]).sum() > outer.sum() / 2


def below_divergence(units: np.ndarray, scores: np.ndarray, box: Box) -> Box:
    """The ranges up to the lowest learning rate, the first value, from which on all trials diverged.

    >>> units = np.array([[0.1], [0.4], [0.7]])
    >>> below_divergence(units, np.array([-np.inf, 0.5, -np.inf]), {'lr': (0.0, 1.0)})
    {'lr': (0.0, 0.7)}
    """
    finite, (name, (low, high)) = np.isfinite(scores), next(iter(box.items()))
    lost = units[~finite, 0]
    lost = lost[lost > units[finite, 0].max(initial=-math.inf)]
    return {**box, name: (low, max(low, min(high, float(lost.min(initial=math.inf)))))}


def _near(tuned: Tuned) -> list[Side]:
    """The sides that the best of the trials is close to."""
    units, scores = tuned.together()
    if not np.isfinite(scores).any():
        return []
    best = dict(zip(tuned.box, units[scores.argmax()], strict=True))
    distances = {
        (name, side): best[name] - tuned.box[name][0] if side == 'low' else tuned.box[name][1] - best[name]
        for name, side in tuned.beyond
    }
    return [side for side, distance in distances.items() if distance < NEAR]
