"""Edges: the gain past the edges of a range, read from the surfaces that selection uses.

Points are unit coordinates; scores are in the good direction, higher better.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from results.remembered import remembered
from results.surface import best, fitted

Side = tuple[str, str]
"""A tuned value and its `low` or `high` end."""
Box = dict[str, tuple[float, float]]
"""The range of each value so far, in units."""


@dataclasses.dataclass(frozen=True)
class Edges:
    """The gain past each edge for one optimizer, on average over the replicates.

    `inside` is the best score inside the range, `gains[side]` how much better the best past that side is (rather too little,
    because a surface bends back where it has no trials), and `errors[side]` the standard error of that gain, from its spread
    over replicates.
    """

    inside: float
    gains: dict[Side, float]
    errors: dict[Side, float]


def edges(
    replicates: Sequence[tuple[np.ndarray, np.ndarray]], smooth: Sequence[bool], box: Box, beyond: Mapping[Side, float]
) -> Edges | None:
    """Look past each edge of the box, on the surface of each replicate of one optimizer.

    `replicates` is [(units [n, d], scores [n])], with the values in the order of `box`; `smooth` `[d]` is False for choices;
    `beyond[side]` is the unit coordinate to which that side would be extended. None where no surface fits in half of the
    replicates or more. One replicate alone has the noise of its surface as its error.

    >>> units = np.linspace(0, 1, 8)[:, None]
    >>> seen = edges([(units, -((units[:, 0] - 1.2) ** 2))] * 2, [True], {'lr': (0.0, 1.0)}, {('lr', 'high'): 4 / 3})
    >>> round(seen.inside, 2), round(seen.gains['lr', 'high'], 2)
    (-0.04, 0.02)
    """
    asked = [list(map(bool, smooth)), dict(box), dict(beyond)]
    told = [_remembered(units, scores, *asked) for units, scores in replicates]
    told = [one for one in told if one]
    if not told or 2 * len(told) < len(replicates):
        return None
    inside, noises = np.array([one[0] for one in told]), [one[1] for one in told]
    gains = np.array([one[2] for one in told]).reshape(len(told), len(beyond))
    errors = gains.std(0, ddof=1) / math.sqrt(len(told)) if len(told) > 1 else np.full(len(beyond), noises[0])
    return Edges(float(inside.mean()), *(dict(zip(beyond, row.tolist(), strict=True)) for row in (gains.mean(0), errors)))


def _remembered(units: np.ndarray, scores: np.ndarray, *asked: object) -> list:
    return remembered('edges', units, scores, asked, lambda: _of_one(units, scores, *asked))


def _of_one(units: np.ndarray, scores: np.ndarray, smooth: list[bool], box: Box, beyond: Mapping[Side, float]) -> list:
    """The best inside, the noise of a run, and the gain past each side, in one replicate; empty where no surface fits."""
    surface = fitted(units, scores, smooth)
    if surface is None:
        return []
    finite = units[np.isfinite(scores)]
    # Where runs diverge, the surface says nothing: the range ends with the trials there, unless it may be extended.
    low, high = finite.min(0), finite.max(0)
    for dim, (name, ends) in enumerate(box.items()):
        low[dim] = ends[0] if (name, 'low') in beyond else low[dim]
        high[dim] = ends[1] if (name, 'high') in beyond else high[dim]
    inside, gains = best(surface, low, high)[1], []
    for (name, side), end in beyond.items():
        dim, start, stop = list(box).index(name), low.copy(), high.copy()
        start[dim], stop[dim] = (end, box[name][0]) if side == 'low' else (box[name][1], end)
        gains.append(best(surface, start, stop)[1] - inside)
    return [inside, surface.noise, gains]
