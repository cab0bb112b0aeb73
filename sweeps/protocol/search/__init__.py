"""Search: where in a space the next trials lie, for each kind of search.

Points are unit coordinates in [0, 1), one column for each tuned value in the order of its space. A kind is a class with
`points(space, seen, count, first, seed) -> [count, d]`, a pure function that knows what it is given and nothing else, and
`adaptive`, whether it looks at what was seen. Kinds that do not are asked once for all their points; one that does is asked
for a batch at a time, when the trials of the batch before are recorded.
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
"""How far past the ends of a range a unit may lie: values have six digits, so that one at an end may come back from beyond."""
NOTHING = (np.empty((0, 0)), np.empty(0))
"""What was seen before the first trial."""


def propose(
    kind: str, space: Mapping[str, Tunable], seen: tuple[np.ndarray, np.ndarray], count: int, first: int, seed: int
) -> np.ndarray:
    """The next `count` points of a search. `[count, d]` in [0, 1).

    `seen` is (units [n, d], scores [n]) of finished trials, higher is better, -inf where a run diverged; `first` says how
    many points were proposed before these. The same input gives the same points. Raises ValueError on an unknown kind, on
    shapes that do not fit, and where a library that a kind needs is not installed.
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
    """The points of an adaptive search, remembered: a plan asks for the same ones as long as they are not recorded."""
    seen = np.frombuffer(units).reshape(-1, len(space)), np.frombuffer(scores)
    return SEARCHES[kind].points(dict(space), seen, count, first, seed)
