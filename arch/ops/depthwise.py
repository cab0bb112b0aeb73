"""Depthwise convolution, one filter per channel, lowered by size and platform.

XLA's grouped convolution is slow on CPU, and slower under vmap. There a small map is one matrix product per channel with the
Toeplitz matrix of the filter, and a larger one a sum of shifted copies. Accelerators take the grouped convolution.
"""

import math

import jax
import jax.numpy as jnp

from arch.ops.lowering import LOWERING, plain
from arch.ops.padding import padding
from arch.ops.shifts import shifts
from arch.ops.toeplitz import toeplitz

TOEPLITZ_POSITIONS = 144


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


FORMS = {'reference': _reference, 'toeplitz': toeplitz, 'shifts': shifts}


def form_of(spatial: tuple[int, ...], sizes: tuple[int, ...]) -> str:
    """The form that `depthwise` takes for a map of `spatial` positions and a filter of `sizes` taps."""
    if plain():
        return 'reference'
    if LOWERING.get() != 'auto':
        return LOWERING.get()
    return 'toeplitz' if math.prod(spatial) <= TOEPLITZ_POSITIONS else 'shifts'


def depthwise(x: jax.Array, kernel: jax.Array, causal: bool, stride: int = 1) -> jax.Array:
    """Depthwise convolution (cross-correlation), zero-padded to keep the size; of its positions every `stride`-th.

    `[B, N, C] -> [B, N, C]` with kernel [T, C], or `[B, H, W, C] -> [B, H, W, C]` with kernel [T, T, C]. Causal: the last
    tap meets the position itself, earlier taps earlier positions.
    """
    return FORMS[form_of(x.shape[1:-1], kernel.shape[:-1])](x, kernel.astype(x.dtype), causal, stride)
