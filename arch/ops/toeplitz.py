"""Depthwise convolution as one matrix product per channel, with the Toeplitz matrix of its filter.

Fast where positions are few: the matrix has a row for each position out and a column for each position in.
"""

import jax
import jax.numpy as jnp
import numpy as np

from arch.ops.padding import padding, strided


def taps_between(spatial: tuple[int, ...], kernel: tuple[int, ...], causal: bool, stride: int = 1) -> np.ndarray:
    """The filter tap that joins two positions: 0/1 of shape [positions out, positions in, taps].

    >>> taps_between((3,), (2,), causal=True).argmax(-1).tolist(), taps_between((3,), (2,), causal=True).sum(-1).tolist()
    ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    """
    taps = np.ones((1, 1, 1), np.float32)
    for length, size in zip(spatial, kernel, strict=True):
        offset = np.arange(length)[None, :] - np.arange(0, length, stride)[:, None] + padding(size, causal)[0]
        axis = (offset[..., None] == np.arange(size)).astype(np.float32)
        taps = np.einsum('mnt,ijk->minjtk', taps, axis).reshape([a * b for a, b in zip(taps.shape, axis.shape, strict=True)])
    return taps


def positions_under(spatial: tuple[int, ...], kernel: tuple[int, ...], causal: bool) -> np.ndarray:
    """How many positions inside the input each place of a filter covers: `[H, W]`, or `[N]` for a sequence.

    >>> positions_under((4,), (3,), causal=False).tolist()
    [2.0, 3.0, 3.0, 2.0]
    """
    return taps_between(spatial, kernel, causal).sum((1, 2)).reshape(spatial)


def toeplitz(x: jax.Array, kernel: jax.Array, causal: bool, stride: int) -> jax.Array:
    """`depthwise` by one matrix of positions for each channel."""
    spatial, channels = x.shape[1:-1], x.shape[-1]
    taps = taps_between(spatial, kernel.shape[:-1], causal, stride).astype(x.dtype)
    matrix = jnp.einsum('mnt,tc->cmn', taps, kernel.reshape(-1, channels))
    y = jnp.einsum('cmn,bnc->bmc', matrix, x.reshape(len(x), -1, channels))
    return y.reshape(len(x), *strided(spatial, stride), channels)
