"""Search: the points of the next trials in a space, for each kind of search.

Points are unit coordinates in [0, 1), one column for each tuned value in the order of its space. A kind is a class with a pure
function `points(space, seen, count, first, seed) -> [count, d]`, and with `adaptive`, whether it uses the trials in `seen`. A
kind that is not adaptive gives all its points at once. An adaptive one gives a batch at a time, when the batch before is
recorded.
"""

import functools
from collections.abc import Mapping

import numpy as np

from ablations.config import closest
from ablations.space_rules import Tunable
from sweeps.protocol.search.adaptive import Gp, Tpe
from sweeps.protocol.search.grid import Grid
from sweeps.protocol.search.spread import Random, Sobol

SEARCHES = {'sobol': Sobol, 'random': Random, 'grid': Grid, 'tpe': Tpe, 'gp': Gp}

ROUNDING = 1e-4
"""How far a unit may lie past the end of its range: values have six digits, so rounding may move one past the end."""
NOTHING = (np.empty((0, 0)), np.empty(0))
"""The seen trials before the first one: none."""


def propose(
    kind: str, space: Mapping[str, Tunable], seen: tuple[np.ndarray, np.ndarray], count: int, first: int, seed: int
) -> np.ndarray:
    """The next `count` points of a search. `[count, d]` in [0, 1).

    `seen` is (units [n, d], scores [n]) of finished trials, where higher is better and -inf is a diverged run. `first` is the
    number of points proposed before these. The same input gives the same points. Raises ValueError on an unknown kind, on
    shapes that do not fit, and without a kind's library.
    """
    if kind not in SEARCHES:
        raise ValueError(f"unknown search '{kind}'; allowed: {list(SEARCHES)}.{closest(kind, SEARCHES)}")
    if count < 0 or first < 0:
        raise ValueError(f'search of count={count} points after first={first}; allowed: 0 or more of both')
    units, scores = (np.asarray(part, float) for part in seen)
    units = units.reshape(len(scores), len(space)) if units.size == 0 else units
    if units.shape != (len(scores), len(space)):
        raise ValueError(
            f'seen: units of shape {units.shape} and {len(scores)} scores in a space of {len(space)} values; give one row of '
            'units, in the order of the space, for each score'
        )
    if units.size and not (units.min() >= -ROUNDING and units.max() <= 1 + ROUNDING):
        raise ValueError(
            f'seen: units from {units.min():g} to {units.max():g}; a search works within the range of the study, 0 to 1: '
            'leave out the trials of extensions'
        )
    units = np.clip(units, 0, 1)
    if count == 0:
        return np.empty((0, len(space)))
    if not SEARCHES[kind].adaptive:
        return SEARCHES[kind].points(space, (units, scores), count, first, seed)
    return _followed(kind, tuple(space.items()), units.tobytes(), scores.tobytes(), count, first, seed).copy()


@functools.lru_cache(maxsize=4096)
def _followed(kind: str, space: tuple, units: bytes, scores: bytes, count: int, first: int, seed: int) -> np.ndarray:
    """The points of an adaptive search, cached, because a plan asks for the same ones until they are recorded."""
    seen = np.frombuffer(units).reshape(-1, len(space)), np.frombuffer(scores)
    return SEARCHES[kind].points(dict(space), seen, count, first, seed)
