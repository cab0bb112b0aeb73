"""Finite scalar quantisation (2309.15505): channels that are bounded and rounded to a few levels each.

All combinations of levels are the code book. No vector of it is stored or learned, so no loss has to move one.
"""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

MARGIN = 1e-3
"""The share by which a channel stays within its outer levels (appendix A.1)."""
MOST_LEVELS = 1000
"""With so many levels the outer ones are just reached within the margin."""
MOST_CODES = 2**31 - 1
"""As many as int32 counts."""


def book_size(levels: Sequence[int]) -> int:
    """The number of codes: the product of the levels.

    >>> book_size((8, 5, 5, 5))
    1000
    """
    return math.prod(levels)


def bounded(z: jax.Array, levels: Sequence[int]) -> jax.Array:
    """tanh(z + s) h - o for each channel, `[..., d] -> [..., d]` with d levels L: what is rounded.

    h = (1 - 0.001) (L - 1) / 2. For an odd L the offset o and the shift s are 0. For an even L o = 1/2, so that L whole numbers
    lie within, and s = tan(o / h), which leads 0 close to 0 (appendix A.1; the tangent is the paper's).
    """
    many = np.asarray(levels)
    half = (many - 1) * (1 - MARGIN) / 2
    offset = np.where(many % 2, 0.0, 0.5)
    half, offset, shift = (_per_channel(part, z) for part in (half, offset, np.tan(offset / half)))
    return jnp.tanh(z + shift) * half - offset


def quantized(z: jax.Array, levels: Sequence[int]) -> jax.Array:
    """round(bounded(z)) / floor(L / 2), each channel from -1 to 1: `[..., d] -> [..., d]`, one of `book_size` codes.

    The gradient passes the rounding as if it were not there (straight-through).

    >>> z = jnp.array([[-9.0, -9.0], [0.0, 0.0], [9.0, 9.0]])
    >>> quantized(z, (5, 4)).tolist()
    [[-1.0, -1.0], [0.0, 0.0], [1.0, 0.5]]
    """
    within = bounded(z, levels)
    # The difference is 0 to the last bit, so that what comes out is a code and nothing of what was rounded away.
    whole = jax.lax.stop_gradient(jnp.round(within)) + (within - jax.lax.stop_gradient(within))
    return whole / _per_channel(np.asarray(levels) // 2, z)


def code_numbers(codes: jax.Array, levels: Sequence[int]) -> jax.Array:
    """The number of each code in the book, from 0 on: `[..., d] -> [...]` int32, the first channel counting fastest.

    >>> code_numbers(quantized(jnp.array([[-9.0, -9.0], [0.0, 0.0], [9.0, 9.0]]), (5, 4)), (5, 4)).tolist()
    [0, 12, 19]
    """
    half = _per_channel(np.asarray(levels) // 2, codes)
    digits = jnp.round(codes * half + half).astype(jnp.int32)
    return (digits * _per_channel(np.cumprod([1, *levels[:-1]]), digits)).sum(-1)


def _per_channel(numbers: np.ndarray, x: jax.Array) -> np.ndarray:
    """Numbers [d] with the rank and the type of `x` [..., d]."""
    return numbers.reshape((1,) * (x.ndim - 1) + numbers.shape).astype(x.dtype)
