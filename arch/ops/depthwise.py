"""Depthwise convolution, one filter per channel, lowered by size and platform.

XLA's grouped convolution is slow on CPU, and slower under vmap. A small map is one matrix product per channel with the
Toeplitz matrix of the filter; a larger one a sum of shifted copies. Accelerators take the grouped convolution.
"""

import contextlib
import contextvars
import math

import jax
import jax.numpy as jnp
import numpy as np

LOWERING = contextvars.ContextVar('LOWERING', default='auto')
TOEPLITZ_POSITIONS = 144


@contextlib.contextmanager
def lowering(name: str):
    """Within this context every depthwise convolution is lowered as `name`: auto, reference, toeplitz or shifts.

    Attention to neighbours also follows `reference`, so that costs are counted as in papers.
    """
    token = LOWERING.set(name)
    try:
        yield
    finally:
        LOWERING.reset(token)


def padding(size: int, causal: bool) -> tuple[int, int]:
    """The zeros before and after an axis that keep its length under a filter of `size` taps.

    >>> padding(3, causal=False), padding(3, causal=True)
    ((1, 1), (2, 0))
    """
    return (size - 1, 0) if causal else ((size - 1) // 2, size // 2)


def strided(spatial: tuple[int, ...], stride: int) -> tuple[int, ...]:
    """The lengths of the axes where every `stride`-th position is kept, the first one included.

    >>> strided((8, 5), 2)
    (4, 3)
    """
    return tuple(-(-length // stride) for length in spatial)


def _taps(spatial: tuple[int, ...], kernel: tuple[int, ...], causal: bool, stride: int = 1) -> np.ndarray:
    """Which filter tap joins which positions: 0/1 of shape [positions out, positions in, taps]."""
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
    return _taps(spatial, kernel, causal).sum((1, 2)).reshape(spatial)


def _toeplitz(x: jax.Array, kernel: jax.Array, causal: bool, stride: int) -> jax.Array:
    spatial, channels = x.shape[1:-1], x.shape[-1]
    taps = _taps(spatial, kernel.shape[:-1], causal, stride).astype(x.dtype)
    matrix = jnp.einsum('mnt,tc->cmn', taps, kernel.reshape(-1, channels))
    y = jnp.einsum('cmn,bnc->bmc', matrix, x.reshape(len(x), -1, channels))
    return y.reshape(len(x), *strided(spatial, stride), channels)


def _shifts(x: jax.Array, kernel: jax.Array, causal: bool, stride: int) -> jax.Array:
    spatial, sizes = x.shape[1:-1], kernel.shape[:-1]
    padded = jnp.pad(x, [(0, 0), *(padding(size, causal) for size in sizes), (0, 0)])
    y = jnp.zeros((len(x), *strided(spatial, stride), x.shape[-1]), x.dtype)
    for tap in np.ndindex(*sizes):
        window = tuple(slice(start, start + length, stride) for start, length in zip(tap, spatial, strict=True))
        y = y + padded[(slice(None), *window)] * kernel[tap].reshape((1,) * (x.ndim - 1) + (-1,))
    return y


def _reference(x: jax.Array, kernel: jax.Array, causal: bool, stride: int) -> jax.Array:
    letters = 'HW'[: x.ndim - 2]
    return jax.lax.conv_general_dilated(
        x,
        jnp.expand_dims(kernel, -2),
        window_strides=(stride,) * len(letters),
        padding=[padding(size, causal) for size in kernel.shape[:-1]],
        dimension_numbers=(f'N{letters}C', f'{letters}IO', f'N{letters}C'),
        feature_group_count=x.shape[-1],
    )


LOWERINGS = {'reference': _reference, 'toeplitz': _toeplitz, 'shifts': _shifts}


def depthwise(x: jax.Array, kernel: jax.Array, causal: bool, stride: int = 1) -> jax.Array:
    """Depthwise convolution (cross-correlation), zero-padded to keep the size; of its positions every `stride`-th.

    `[B, N, C] -> [B, N, C]` with kernel [T, C], or `[B, H, W, C] -> [B, H, W, C]` with kernel [T, T, C]. Causal: the last
    tap meets the position itself, earlier taps earlier positions.
    """
    name = LOWERING.get()
    if name == 'auto':
        if jax.default_backend() != 'cpu':
            name = 'reference'
        else:
            name = 'toeplitz' if math.prod(x.shape[1:-1]) <= TOEPLITZ_POSITIONS else 'shifts'
    return LOWERINGS[name](x, kernel.astype(x.dtype), causal, stride)
