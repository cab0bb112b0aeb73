"""Readings: what an instrument of a few bits reads of episodes, with its noise, and what that noise costs."""

import dataclasses
import functools

import numpy as np

from ablations.seeds import derive
from sweeps.tasks.probes.synthetic import SEALED_SHARE, fingerprints
from sweeps.tasks.trajectories.motion import Motion

ROUND = 4096
"""How many episodes are drawn at a time."""
ROUNDS, SPARSE = 400, 1 / 200
"""The most rounds, and the least share of draws that have to count."""


@dataclasses.dataclass(frozen=True)
class Readings:
    """Levels, uint8 `[n, T, C]`; where things were, in levels `[n, T, C]`; the number of the law and the constants, `[n]`."""

    levels: np.ndarray
    exact: np.ndarray
    law: np.ndarray
    constants: dict[str, np.ndarray]


def in_levels(where: np.ndarray, reach: float, bits: int) -> np.ndarray:
    """Coordinates in units of a level, from 0 at -reach to 2^bits at reach."""
    return (where + reach) * (2**bits / (2 * reach))


def read(exact: np.ndarray, bits: int) -> np.ndarray:
    """The level that holds a coordinate in levels: level k covers [k, k + 1), the last one its end too, the ends all beyond.

    >>> read(np.array([-0.5, 0.0, 1.5, 3.99, 7.0]), bits=2).tolist()
    [0, 0, 1, 3, 3]
    """
    return np.clip(np.floor(exact), 0, 2**bits - 1).astype(np.uint8)


def places(levels: np.ndarray, reach: float, bits: int) -> np.ndarray:
    """The middle of each level, in the unit of length: at most reach / 2^bits from what was read."""
    return (levels + 0.5) * (2 * reach / 2**bits) - reach


def chances(exact: np.ndarray, noise: float, bits: int) -> np.ndarray:
    """The probability of each level, by what the coordinate is: `[...] -> [..., 2^bits]`.

    Noise is normal, with a standard deviation of `noise` levels.
    """
    from scipy.special import ndtr

    edges = np.arange(1, 2**bits)
    if noise:
        below = ndtr((edges - exact[..., None]) / noise)
        # From the side on which it is small, so that a tail keeps its digits.
        above = ndtr((exact[..., None] - edges) / noise)
        below, above = (np.pad(part, [(0, 0)] * exact.ndim + [(1, 1)]) for part in (below, above))
        below[..., -1] = above[..., 0] = 1
        return np.where(below[..., 1:] < 0.5, np.diff(below), above[..., :-1] - above[..., 1:])
    return (read(exact, bits)[..., None] == np.arange(2**bits)).astype(float)


def entropy(exact: np.ndarray, noise: float, bits: int) -> np.ndarray:
    """Bits of the level of a coordinate that is known, and of which only the noise is not: `[...] -> [...]`."""
    told = chances(exact, noise, bits)
    return np.abs((told * np.log2(np.maximum(told, 1e-300))).sum(-1))


@functools.lru_cache(maxsize=8)
def recorded(motion: Motion, events: int, bits: int, noise: float, sealed: bool, count: int) -> Readings:
    """`count` different episodes of `events` events, of the test split or of the pool; fewer are the first of more.

    Seeds derive from the split and all fields of the motion, `events`, `bits` and `noise`. An episode is sealed if the hash of
    its levels is divisible by 8, so that none can be in both. Raises ValueError where there are too few.
    """
    generator = np.random.default_rng(derive('trajectories', 'test' if sealed else 'pool', motion, events, bits, noise))
    parts, known = [], set()
    for number in range(ROUNDS):
        drawn = motion.draw(generator, ROUND, events)
        exact = in_levels(drawn.where, motion.REACH, bits)
        levels = read(exact + noise * generator.standard_normal(exact.shape), bits)
        marks = fingerprints(levels.reshape(len(levels), events * levels.shape[2]))
        chosen = []
        for place in np.flatnonzero((marks % SEALED_SHARE == 0) == sealed):
            if int(marks[place]) not in known:
                known.add(int(marks[place]))
                chosen.append(place)
        parts.append([levels[chosen], exact[chosen], drawn.law[chosen], *(own[chosen] for own in drawn.constants.values())])
        names = list(drawn.constants)
        if len(known) >= count:
            break
        if len(known) < (number + 1) * ROUND * SPARSE / SEALED_SHARE:
            break
    if len(known) < count:
        raise ValueError(
            f'{len(known)} different episodes of {motion} that stay in the picture, of {(number + 1) * ROUND} draws, for '
            f'{"a test split" if sealed else "a pool"} of {count}; allowed: one in {round(1 / SPARSE)} draws must count, and '
            f'{ROUNDS * ROUND} draws must do; give fewer laws, fewer events, a shorter interval or fewer examples'
        )
    levels, exact, law, *constants = (np.concatenate(part)[:count] for part in zip(*parts, strict=True))
    for part in (levels, exact, law, *constants):
        part.setflags(write=False)
    return Readings(levels, exact, law, dict(zip(names, constants, strict=True)))
