"""Edges: the gain past the edges of a range, read from the surface that selection uses.

Points are unit coordinates; scores are in the good direction, higher better.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from results.optimum import bests
from results.remembered import remembered
from results.surface import MOST, fits, together

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


@dataclasses.dataclass(frozen=True)
class Range:
    """What is asked of one optimizer: `replicates` [(units [n, d], scores [n])] with the values in the order of `box`;
    `smooth` `[d]` is False for choices; `beyond[side]` is the unit coordinate to which that side would be extended."""

    replicates: Sequence[tuple[np.ndarray, np.ndarray]]
    smooth: Sequence[bool]
    box: Box
    beyond: Mapping[Side, float]

    @property
    def first_ones(self) -> Sequence[tuple[np.ndarray, np.ndarray]]:
        """The first replicates, up to MOST trials."""
        sizes = np.cumsum([len(scores) for _, scores in self.replicates])
        return self.replicates[: max(int((sizes <= MOST).sum()), 1)]


def edges(
    replicates: Sequence[tuple[np.ndarray, np.ndarray]], smooth: Sequence[bool], box: Box, beyond: Mapping[Side, float]
) -> Edges | None:
    """Look past each edge of the box, on the surface of the replicates of one optimizer: the first ones, up to MOST trials.

    The arguments are those of `Range`. None with too few finite trials for a surface.

    >>> units = np.linspace(0, 1, 8)[:, None]
    >>> seen = edges([(units, -((units[:, 0] - 1.2) ** 2))] * 2, [True], {'lr': (0.0, 1.0)}, {('lr', 'high'): 4 / 3})
    >>> round(seen.inside, 2), round(seen.gains['lr', 'high'], 2)
    (-0.04, 0.03)
    """
    return edges_of([Range(replicates, smooth, box, beyond)])[0]


def edges_of(ranges: Sequence[Range]) -> list[Edges | None]:
    """Look past the edges of several ranges, each as `edges` does; surfaces are fitted together."""
    firsts = [asked.first_ones for asked in ranges]
    keys = []
    for asked, first in zip(ranges, firsts, strict=True):
        units, scores = (np.concatenate(parts) for parts in zip(*first, strict=True))
        about = [len(part) for part, _ in first], list(map(bool, asked.smooth)), dict(asked.box), dict(asked.beyond)
        keys.append((units, scores, about))
    told = remembered('edges', keys, lambda places: _looked([ranges[p] for p in places], [firsts[p] for p in places]))
    return [
        Edges(seen[0], seen[1], dict(zip(asked.beyond, seen[2], strict=True))) if seen else None
        for asked, seen in zip(ranges, told, strict=True)
    ]


def _looked(ranges: Sequence[Range], firsts: Sequence) -> list[list]:
    """The best inside, the noise, and the gain past each side; empty where no surface fits."""
    made = fits([together(first, asked.smooth) for asked, first in zip(ranges, firsts, strict=True)])
    fitted = [place for place, surface in enumerate(made) if surface is not None]
    boxes = {place: _boxes(ranges[place], firsts[place]) for place in fitted}
    each = [(made[place], *ends) for place in fitted for ends in boxes[place]]
    heights = iter([height for _, height in bests(*zip(*each, strict=True))] if each else ())
    looked: list[list] = [[] for _ in ranges]
    for place in fitted:
        inside, *past = (next(heights) for _ in boxes[place])
        noise = made[place].noise / math.sqrt(made[place].groups)
        looked[place] = [inside, noise, [height - inside for height in past]]
    return looked


def _boxes(asked: Range, first: Sequence) -> list[tuple[np.ndarray, np.ndarray]]:
    """The lowest and highest units inside the range, and past each side."""
    finite = np.concatenate([units[np.isfinite(scores)] for units, scores in first])
    # Where runs diverge, the surface says nothing: the range ends with the trials there, unless it may be extended.
    low, high = finite.min(0), finite.max(0)
    for dim, (name, ends) in enumerate(asked.box.items()):
        low[dim] = ends[0] if (name, 'low') in asked.beyond else low[dim]
        high[dim] = ends[1] if (name, 'high') in asked.beyond else high[dim]
    boxes = [(low, high)]
    for (name, side), end in asked.beyond.items():
        dim, start, stop = list(asked.box).index(name), low.copy(), high.copy()
        start[dim], stop[dim] = (end, asked.box[name][0]) if side == 'low' else (asked.box[name][1], end)
        boxes.append((start, stop))
    return boxes
