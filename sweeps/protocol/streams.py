"""Streams: random numbers of many seeds, one seed after the other, bit for bit those of numpy's SFC64.

numpy takes 30 microseconds to make one generator of a seed, most of the time of a simulated run. Here the states of many are
worked out at once, by the functions of numpy's SeedSequence (O'Neill 2015) and SFC64 (Doty-Humphrey 2018).
"""

from collections.abc import Iterator, Sequence

import numpy as np

POOL, ROUNDS, HALF = 4, 12, np.uint32(16)
FIRST, SECOND = (0x43B0D7E5, 0x931E8875), (0x8B51F9DD, 0x58F38DED)
LEFT, RIGHT = np.uint32(0xCA01F9DD), np.uint32(0x4973F715)


def streams(seeds: Sequence[int]) -> Iterator[np.random.Generator]:
    """For each seed, from 0 to 2^32 - 1, a generator with the draws of `Generator(SFC64(seed))`.

    It is one object, which starts anew at the next seed: use it before going on.

    >>> [float(stream.random()) for stream in streams([3, 4])] == [
    ...     float(np.random.Generator(np.random.SFC64(seed)).random()) for seed in (3, 4)
    ... ]
    True
    """
    bits = np.random.SFC64(0)
    stream = np.random.Generator(bits)
    for state in _states(np.array(seeds, np.uint32)):
        bits.state = {'bit_generator': 'SFC64', 'state': {'state': state}, 'has_uint32': 0, 'uinteger': 0}
        yield stream


class _Hash:
    """SeedSequence's hash of words, whose constant changes with every word."""

    def __init__(self, start: int, factor: int):
        self.constant, self.factor = start, factor

    def __call__(self, words: np.ndarray) -> np.ndarray:
        words = words ^ np.uint32(self.constant)
        self.constant = self.constant * self.factor & 0xFFFFFFFF
        words = words * np.uint32(self.constant)
        return words ^ (words >> HALF)


def _states(seeds: np.ndarray) -> np.ndarray:
    """The states of SFC64 with these seeds. `[s] -> [s, 4]`"""
    hashed = _Hash(*FIRST)
    pool = [hashed(word) for word in (seeds, *[np.zeros_like(seeds)] * (POOL - 1))]
    for source in range(POOL):
        for target in range(POOL):
            if source != target:
                mixed = LEFT * pool[target] - RIGHT * hashed(pool[source])
                pool[target] = mixed ^ (mixed >> HALF)
    hashed = _Hash(*SECOND)
    words = [hashed(pool[number % POOL]).astype(np.uint64) for number in range(6)]
    a, b, c = (low | high << np.uint64(32) for low, high in zip(words[::2], words[1::2], strict=True))
    for count in range(1, ROUNDS + 1):
        made = a + b + np.uint64(count)
        a, b = b ^ (b >> np.uint64(11)), c + (c << np.uint64(3))
        c = (c << np.uint64(24) | c >> np.uint64(40)) + made
    return np.stack([a, b, c, np.full_like(a, ROUNDS + 1)], 1)
