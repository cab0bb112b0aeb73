"""Extension: the edges of the ranges past which an arm needs more trials. No jax.

A side is a tuned value and its `low` or `high` end; points are unit coordinates, scores in the good direction.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from results.edges import Box, Side, edges

NEAR = 1 / 8
"""The largest distance that counts as close to an edge, as a share of the study's own range."""

PAST = 0.25
"""A side counts where the gain past it is above this share of a score's standard error. A surface bends back where it has no
trials, so flat, loud or ridged worlds hardly ever gain; measurements are in LOG.md."""

Measured = tuple[np.ndarray, np.ndarray]
"""Units `[n, d]` and scores `[n]` of the trials of a replicate, -inf where one diverged."""


def sides_past_edges(
    smooth: Mapping[str, Sequence[bool]],
    boxes: Mapping[str, Box],
    ends: Mapping[str, Mapping[Side, float]],
    measured: Mapping[str, list[Measured]],
) -> dict[str, list[Side]]:
    """By optimizer, the sides past which one arm's surface clearly rises, and to the arm's best score or more.

    All arguments are by optimizer: which values have an order, the ranges so far, the end of each side's extension, and the
    trials of all replicates. With too few trials for a surface, a side counts if the best trial is close to it. A side where
    most of the outermost trials diverged never counts: a cliff ends the range there, and a surface does not see it.
    """
    fits, sides = {}, {}
    for optimizer, ordered in smooth.items():
        box = boxes[optimizer]
        together = tuple(np.concatenate(parts) for parts in zip(*measured[optimizer], strict=True))
        beyond = {
            (name, side): end
            for (name, side), end in ends[optimizer].items()
            if not _falls_off(together, list(box).index(name), box[name], side)
        }
        seen = edges(measured[optimizer], ordered, box, beyond)
        if seen is None:
            sides[optimizer] = _near(together, box, beyond)
        else:
            fits[optimizer] = seen
    top = max((seen.inside for seen in fits.values()), default=-math.inf)
    for optimizer, seen in fits.items():
        sides[optimizer] = [side for side, gain in seen.gains.items() if gain > PAST * seen.noise and seen.inside + gain >= top]
    return {optimizer: named for optimizer, named in sides.items() if named}


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
