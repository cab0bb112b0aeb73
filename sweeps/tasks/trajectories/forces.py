"""Forces: pulls towards a centre that fall with a power of the distance, their potentials, and a symplectic integrator."""

from collections.abc import Callable

import numpy as np

FORCES = {'harmonic': -1, 'inverse': 1, 'inverse_square': 2, 'inverse_cube': 3}
"""Law -> exponent p of a pull of r^-p."""
_OUTER = 1 / (2 - 2 ** (1 / 3))
PARTS = (_OUTER, 1 - 2 * _OUTER, _OUTER)
"""The lengths of the three leapfrogs of a step, as shares of it; the middle one goes back."""


def pull(square: np.ndarray, law: str) -> np.ndarray:
    """The pull divided by the distance, r^-(p+1), from the square of the distance; by roots and products alone.

    >>> pull(np.array([4.0]), 'inverse_square').item()
    0.125
    """
    match FORCES[law]:
        case -1:
            return np.ones_like(square)
        case 1:
            return 1 / square
        case 2:
            return 1 / (square * np.sqrt(square))
        case _:
            return 1 / (square * square)


def potential(square: np.ndarray, law: str) -> np.ndarray:
    """The potential whose slope along the distance is the pull: r^2 / 2, ln r, -1 / r or -1 / (2 r^2)."""
    match FORCES[law]:
        case -1:
            return square / 2
        case 1:
            return np.log(square) / 2
        case 2:
            return -1 / np.sqrt(square)
        case _:
            return -1 / (2 * square)


def integrated(
    where: np.ndarray,
    velocity: np.ndarray,
    acceleration: Callable[[np.ndarray], np.ndarray],
    step: float,
    substeps: int,
    events: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Places and velocities at `events` events that are `substeps` steps apart, the first at the start: `[T, ...]` each.

    Each step is three leapfrogs (half a kick, a drift, half a kick) of `PARTS` of it: of fourth order, symplectic and
    reversible (doi:10.1016/0375-9601(90)90092-3).
    """
    places, velocities = (np.empty((events, *where.shape)) for _ in range(2))
    pulled = acceleration(where)
    for event in range(events):
        places[event], velocities[event] = where, velocity
        for part in PARTS * (substeps if event < events - 1 else 0):
            velocity = velocity + part * step / 2 * pulled
            where = where + part * step * velocity
            pulled = acceleration(where)
            velocity = velocity + part * step / 2 * pulled
    return places, velocities
