"""Depthwise convolution, one filter per channel, in the form that is fast for its size and platform.

XLA's grouped convolution is slow on CPU, and slower under vmap. There a map of few positions is one matrix product per channel
with the Toeplitz matrix of the filter, any other a sum of shifted copies. Accelerators take the grouped convolution.
"""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp

from arch.ops.lowering import LOWERING, plain
from arch.ops.padding import padding, strided
from arch.ops.shifts import shifts
from arch.ops.toeplitz import toeplitz

PRODUCT, SHIFT, BATCH = 0.065, 0.13, 64
"""Nanoseconds of a multiply-add in a product and in a sum of shifted copies, on one CPU core, and the batch that is assumed.

Fitted to `archlab bench ops`; only the ratio matters. The batch is none of the real one, so that training, evaluation and
lanes take the same form.
"""


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


FORMS: dict[str, Callable] = {'reference': _reference, 'toeplitz': toeplitz, 'shifts': shifts}


def expected_ns(spatial: tuple[int, ...], sizes: tuple[int, ...], stride: int = 1) -> dict[str, float]:
    """What each form should take on a CPU core, forward and backward, in nanoseconds for one channel of one example.

    A Toeplitz matrix is met in three products, and made, and differentiated, once for the batch.

    >>> {form: round(ns) for form, ns in expected_ns((4, 4), (3, 3)).items()}
    {'toeplitz': 55, 'shifts': 56}
    """
    inside, outputs, taps = math.prod(spatial), math.prod(strided(spatial, stride)), math.prod(sizes)
    return {
        'toeplitz': PRODUCT * inside * outputs * (3 + 2 * taps / BATCH),
        'shifts': SHIFT * taps * (outputs + 2 * inside),
    }


def form_of(spatial: tuple[int, ...], sizes: tuple[int, ...], stride: int = 1) -> str:
    """The form that `depthwise` takes, a name in `FORMS`, for maps of these lengths and a filter of these sizes.

    >>> form_of((4, 4), (7, 7)), form_of((32, 32), (7, 7))
    ('toeplitz', 'shifts')
    """
    if plain():
        return 'reference'
    if LOWERING.get() != 'auto':
        return LOWERING.get()
    expected = expected_ns(spatial, sizes, stride)
    return min(expected, key=expected.get)


def depthwise(x: jax.Array, kernel: jax.Array, causal: bool, stride: int = 1) -> jax.Array:
    """Depthwise convolution (cross-correlation), zero-padded to keep the size; of its positions every `stride`-th.

    `[B, N, C] -> [B, N, C]` with kernel [T, C], or `[B, H, W, C] -> [B, H, W, C]` with kernel [T, T, C]. Causal: the last
    tap meets the position itself, earlier taps earlier positions.
    """
    form = FORMS[form_of(x.shape[1:-1], kernel.shape[:-1], stride)]
    return form(x, kernel.astype(x.dtype), causal, stride)
