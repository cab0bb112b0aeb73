"""Edges: the gain past the edges of a range, read from the surface that selection uses, fitted to several replicates.

Points are unit coordinates; scores are in the good direction, higher better.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from results.remembered import remembered
from results.surface import MOST, best, fitted

ENOUGH = 8
"""With fewer trials that ended a surface says nothing of what lies past them."""

Side = tuple[str, str]
"""A tuned value and its `low` or `high` end."""
Box = dict[str, tuple[float, float]]
"""The range of each value so far, in units."""


@dataclasses.dataclass(frozen=True)
class Edges:
    """The gain past each edge for one optimizer.

    `inside` is the best score inside the range, and `gains[side]` how much better the best past that side is: rather too
    little, because a surface bends back where it has no trials. `noise` is the standard error of a score averaged over the
    replicates.
    """

    inside: float
    noise: float
    gains: dict[Side, float]


def edges(
    replicates: Sequence[tuple[np.ndarray, np.ndarray]], smooth: Sequence[bool], box: Box, beyond: Mapping[Side, float]
) -> Edges | None:
    """Look past each edge of the box, on the surface of the replicates of one optimizer: the first ones, up to MOST trials.

    `replicates` is [(units [n, d], scores [n])], with the values in the order of `box`; `smooth` `[d]` is False for choices;
    `beyond[side]` is the unit coordinate to which that side would be extended. None with fewer than ENOUGH finite trials.

    >>> units = np.linspace(0, 1, 8)[:, None]
    >>> seen = edges([(units, -((units[:, 0] - 1.2) ** 2))] * 2, [True], {'lr': (0.0, 1.0)}, {('lr', 'high'): 4 / 3})
    >>> round(seen.inside, 2), round(seen.gains['lr', 'high'], 2)
    (-0.04, 0.03)
    """
    sizes = np.cumsum([len(scores) for _, scores in replicates])
    replicates = replicates[: max(int((sizes <= MOST).sum()), 1)]
    units, scores = (np.concatenate(parts) for parts in zip(*replicates, strict=True))
    asked = [len(part) for part, _ in replicates], list(map(bool, smooth)), dict(box), dict(beyond)
    told = remembered('edges', units, scores, asked, lambda: _looked(replicates, smooth, box, beyond))
    return Edges(told[0], told[1], dict(zip(beyond, told[2], strict=True))) if told else None


def _looked(replicates: Sequence, smooth: Sequence[bool], box: Box, beyond: Mapping[Side, float]) -> list:
    """The best inside, the noise, and the gain past each side; empty where no surface fits."""
    surface = fitted(replicates, smooth)
    if surface is None or len(surface.units) < ENOUGH:
        return []
    finite = np.concatenate([units[np.isfinite(scores)] for units, scores in replicates])
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
    return [inside, surface.noise / math.sqrt(surface.groups), gains]
