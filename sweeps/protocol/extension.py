"""Extension: the edges of the ranges past which an arm needs more trials. No jax.

A side is a tuned value and its `low` or `high` end; points are unit coordinates, scores in the good direction.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from results.edges import Box, Range, Side, edges_of

NEAR = 1 / 8
"""The largest distance that counts as close to an edge, as a share of the study's own range."""

PAST = 0.25
"""A side counts where the gain past it is above this share of a score's standard error. A surface bends back where it has no
trials, so flat, loud or ridged worlds hardly ever gain; measurements are in LOG.md."""

Measured = tuple[np.ndarray, np.ndarray]
"""Units `[n, d]` and scores `[n]` of the trials of a replicate, -inf where one diverged."""


@dataclasses.dataclass(frozen=True)
class Tuned:
    """The tuning of one arm with one optimizer: which values have an order, the ranges so far, the ends of extensions,
    and the trials of all replicates."""

    smooth: Sequence[bool]
    box: Box
    ends: Mapping[Side, float]
    measured: Sequence[Measured]

    def together(self) -> Measured:
        """The trials of all replicates as one."""
        return tuple(np.concatenate(parts) for parts in zip(*self.measured, strict=True))


def sides_past_edges(arms: Mapping[str, Mapping[str, Tuned]]) -> dict[str, dict[str, list[Side]]]:
    """By arm and optimizer, the sides past which the arm's surface clearly rises, and to the arm's best score or more.

    With too few trials for a surface, a side counts if the best trial is close to it. A side where most of the outermost trials
    diverged never counts: a cliff ends the range there, and a surface does not see it. Arms without a side are left out.
    """
    ranges = {}
    for arm, tunings in arms.items():
        for optimizer, tuned in tunings.items():
            trials, names = tuned.together(), list(tuned.box)
            beyond = {
                (name, side): end
                for (name, side), end in tuned.ends.items()
                if not _falls_off(trials, names.index(name), tuned.box[name], side)
            }
            ranges[arm, optimizer] = Range(tuned.measured, tuned.smooth, tuned.box, beyond)
    seen = dict(zip(ranges, edges_of(list(ranges.values())), strict=True))
    sides = {arm: {} for arm in arms}
    for arm, tunings in arms.items():
        top = max((told.inside for optimizer in tunings if (told := seen[arm, optimizer])), default=-math.inf)
        for optimizer, tuned in tunings.items():
            told, beyond = seen[arm, optimizer], ranges[arm, optimizer].beyond
            if told is None:
                named = _near(tuned.together(), tuned.box, beyond)
            else:
                named = [side for side, gain in told.gains.items() if gain > PAST * told.noise and told.inside + gain >= top]
            if named:
                sides[arm][optimizer] = named
    return {arm: named for arm, named in sides.items() if named}


def _falls_off(trials: Measured, column: int, box: tuple[float, float], side: str) -> bool:
    """Whether most of the trials close to an end diverged."""
    units, scores = trials
    outer = units[:, column] < box[0] + NEAR if side == 'low' else units[:, column] > box[1] - NEAR
    return np.isinf(scores[outer]).sum() > outer.sum() / 2


def _near(trials: Measured, box: Box, beyond: Mapping[Side, float]) -> list[Side]:
    """The sides that the best of the trials is close to."""
    units, scores = trials
    if not np.isfinite(scores).any():
        return []
    best = dict(zip(box, units[scores.argmax()], strict=True))
    distances = {
        (name, side): best[name] - box[name][0] if side == 'low' else box[name][1] - best[name] for name, side in beyond
    }
    return [side for side, distance in distances.items() if distance < NEAR]
