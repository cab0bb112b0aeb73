"""Student looks: levels of looks at one growing sample from the joint distribution of its t statistics.

With S the sum and r the length of the first k numbers, t follows from the cosine c = S / (sqrt(k) r). Under the null hypothesis
the direction of these numbers is independent of r, so that y = x / r for the next number x is too: sqrt(k) y has Student's t
distribution with k degrees of freedom, and c becomes (sqrt(k) c + y) / sqrt((k + 1) (1 + y^2)). The t statistics of a growing
sample are thus a Markov chain, and a recursion as for normal looks is exact but for its grid. Numbers on the grid are normal
scores of t: z has the p-value of t.
"""

import functools
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr, ndtri, stdtr, stdtrit

STEP = 0.025
"""Between points of the grid, in normal scores."""
SCORES = np.arange(-320, 321) * STEP


def student_levels(looks: Sequence[int], shares: Sequence[float], total: float) -> tuple[float, ...]:
    """The level of a two-sided t test at each look, so that all of them together have the error rate `total`.

    `looks` are rising numbers of replicates, of which each test has one degree of freedom fewer; `shares` say how much of
    `total` each look spends, and add up to 1. At a single replicate there is no test, and nothing is claimed.

    >>> [round(level, 3) for level in student_levels((3, 5, 8), (0.14, 0.25, 0.61), 0.05)]
    [0.007, 0.014, 0.036]
    """
    made, at = [], max(2, looks[0])
    mass = np.diff(ndtr(np.append(SCORES - STEP / 2, SCORES[-1] + STEP / 2)))
    for look, share in zip(looks, shares, strict=True):
        if look < 2:
            made.append(share * total)
            continue
        for count in range(at, look):
            mass = _one_more(count) @ mass
        at, bound = look, _bound(mass, share * total) if share else np.inf
        made.append(2 * float(ndtr(-bound)))
        mass = mass * np.clip((bound - np.abs(SCORES)) / STEP + 0.5, 0, 1)
    return tuple(made)


def _bound(mass: np.ndarray, spend: float) -> float:
    """The score beyond which, on both sides together, lies so much of the mass."""
    half = len(SCORES) // 2
    edges, both = SCORES[half:] + STEP / 2, mass[half:] + mass[half::-1]
    beyond = np.append(both[::-1].cumsum()[::-1][1:], 0.0)
    return float(np.interp(-spend, -beyond, edges))


@functools.lru_cache(maxsize=64)
def _one_more(count: int) -> np.ndarray:
    """How the mass at each score of `count` replicates spreads over the scores of one more. `[after, before]`"""
    t = _student(SCORES, count - 1)
    cosine = t / np.sqrt(count - 1 + t * t)
    weights = np.exp(-SCORES * SCORES / 2)
    weights /= weights.sum()
    y = _student(SCORES, count) / np.sqrt(count)
    after = np.clip((np.sqrt(count) * cosine[:, None] + y) / np.sqrt((count + 1) * (1 + y * y)), -1, 1)
    with np.errstate(divide='ignore'):
        t = after * np.sqrt(count / (1 - after * after))
    places = np.clip((_score(t, count) - SCORES[0]) / STEP, 0, len(SCORES) - 1.001)
    low = places.astype(int)
    part = places - low
    spread = np.zeros((len(SCORES), len(SCORES)))
    before = np.broadcast_to(np.arange(len(SCORES))[:, None], low.shape)
    np.add.at(spread, (low, before), (1 - part) * weights)
    np.add.at(spread, (low + 1, before), part * weights)
    return spread


def _student(scores: np.ndarray, freedom: int) -> np.ndarray:
    """The value of Student's t distribution with the p-value of each normal score."""
    return np.sign(scores) * -stdtrit(freedom, ndtr(-np.abs(scores)))


def _score(t: np.ndarray, freedom: int) -> np.ndarray:
    return np.sign(t) * -ndtri(np.maximum(stdtr(freedom, -np.abs(t)), 1e-300))
