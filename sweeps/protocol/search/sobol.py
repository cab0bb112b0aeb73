"""Scrambled Sobol points: quasi-random points that cover a space evenly, even if few; extensible; without scipy."""

import functools

import numpy as np

# Degree, coefficients and initial numbers of the primitive polynomials of dimensions 2 and up (Joe and Kuo 2008,
# new-joe-kuo-6); dimension 1 is van der Corput's sequence.
_POLYNOMIALS = (
    (1, 0, (1,)),
    (2, 1, (1, 3)),
    (3, 1, (1, 3, 1)),
    (3, 2, (1, 1, 1)),
    (4, 1, (1, 1, 3, 3)),
    (4, 4, (1, 3, 5, 13)),
    (5, 2, (1, 1, 5, 5, 17)),
    (5, 4, (1, 1, 5, 5, 5)),
    (5, 7, (1, 1, 7, 11, 19)),
    (5, 11, (1, 1, 5, 1, 1)),
    (5, 13, (1, 1, 1, 3, 11)),
)
BITS = 30
DIMENSIONS = len(_POLYNOMIALS) + 1


def _directions(dimension: int) -> list[int]:
    """Direction numbers of one dimension, most significant bit first."""
    if dimension == 0:
        return [1 << (BITS - 1 - i) for i in range(BITS)]
    degree, coefficients, start = _POLYNOMIALS[dimension - 1]
    numbers = [m << (BITS - 1 - i) for i, m in enumerate(start)]
    for i in range(degree, BITS):
        value = numbers[i - degree] ^ (numbers[i - degree] >> degree)
        for k in range(1, degree):
            if (coefficients >> (degree - 1 - k)) & 1:
                value ^= numbers[i - k]
        numbers.append(value)
    return numbers


_TABLE = np.array([_directions(dimension) for dimension in range(DIMENSIONS)], np.uint32)


def sobol(count: int, dimensions: int) -> np.ndarray:
    """The first `count` unscrambled points as integers of BITS bits, in Gray-code order. `[count, dimensions]`."""
    if not 1 <= dimensions <= DIMENSIONS:
        raise ValueError(f'{dimensions} tuned values; allowed: 1 to {DIMENSIONS}; tune fewer')
    indices = np.arange(count, dtype=np.uint32)
    gray = indices ^ (indices >> np.uint32(1))
    points = np.zeros((count, dimensions), np.uint32)
    for bit in range(BITS):
        on = ((gray >> np.uint32(bit)) & np.uint32(1)).astype(bool)
        if on.any():
            points[on] ^= _TABLE[:dimensions, bit]
    return points


def scrambled_sobol(count: int, dimensions: int, seed: int) -> np.ndarray:
    """The first `count` points of a Sobol sequence scrambled by the seed. `[count, dimensions]` in [0, 1).

    A random linear matrix scramble and a digital shift per dimension (Matousek 1998); more points extend the sequence.
    """
    generator = np.random.default_rng(seed)
    rows = generator.integers(0, 1 << BITS, (dimensions, BITS), dtype=np.uint32)
    shift = generator.integers(0, 1 << BITS, dimensions, dtype=np.uint32)
    # Output digit `bit` (from the top): input digit `bit` plus random multiples of the digits above it, modulo 2.
    matrix = rows & ~(_ONES | (_ONES - np.uint32(1))) | _ONES
    sums = np.bitwise_count(_unscrambled(count, dimensions) & matrix[:, None]) & np.uint8(1)
    mixed = (sums * _ONES).sum(-1, dtype=np.uint32).T
    return ((mixed ^ shift) + 0.5) / 2.0**BITS


_ONES = np.uint32(1) << np.arange(BITS - 1, -1, -1, dtype=np.uint32)
"""A one at each place, the highest first."""


@functools.lru_cache(maxsize=64)
def _unscrambled(count: int, dimensions: int) -> np.ndarray:
    """`sobol`, to be compared with each row of a matrix. `[dimensions, count, 1]`"""
    return sobol(count, dimensions).T[:, :, None].copy()
