"""Convolution over all channels.

On CPU it is one matrix product on the positions under the filter: XLA turns an ordinary convolution under vmap into a
grouped one, which is slow there; a product stays a product. Accelerators, and the counting of costs, take the convolution.
"""

import jax
import jax.numpy as jnp
import numpy as np

from arch.ops.lowering import plain
from arch.ops.padding import padding
from arch.ops.product import product


def convolution(x: jax.Array, kernel: jax.Array, causal: bool, stride: int = 1) -> jax.Array:
    """Convolution (cross-correlation), zero-padded to keep the size; of its positions every `stride`-th.

    `[B, N, C] -> [B, N, F]` with kernel [T, C, F], or `[B, H, W, C] -> [B, H, W, F]` with kernel [T, T, C, F]. Causal: the
    last tap meets the position itself, earlier taps earlier positions.
    """
    spatial, sizes = x.shape[1:-1], kernel.shape[:-2]
    kernel = kernel.astype(x.dtype)
    pads = [padding(size, causal) for size in sizes]
    if plain():
        letters = 'HW'[: len(spatial)]
        numbers = (f'N{letters}C', f'{letters}IO', f'N{letters}C')
        return jax.lax.conv_general_dilated(x, kernel, (stride,) * len(sizes), pads, dimension_numbers=numbers)
    padded = jnp.pad(x, [(0, 0), *pads, (0, 0)])
    under = []
    for tap in np.ndindex(*sizes):
        window = tuple(slice(t, t + n, stride) for t, n in zip(tap, spatial, strict=True))
        under.append(padded[(slice(None), *window)])
    return product(jnp.concatenate(under, -1), kernel.reshape(-1, kernel.shape[-1]))
