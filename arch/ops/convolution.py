"""Convolution over all channels, as one matrix product on the positions under the filter.

XLA turns an ordinary convolution under vmap into a grouped one, which is slow; a product stays a product.
"""

import jax
import jax.numpy as jnp
import numpy as np

from arch.ops.depthwise import padding


def convolution(x: jax.Array, kernel: jax.Array, causal: bool) -> jax.Array:
    """Convolution (cross-correlation), zero-padded to keep the size.

    `[B, N, C] -> [B, N, F]` with kernel [T, C, F], or `[B, H, W, C] -> [B, H, W, F]` with kernel [T, T, C, F]. Causal: the
    last tap meets the position itself, earlier taps earlier positions.
    """
    spatial, sizes = x.shape[1:-1], kernel.shape[:-2]
    padded = jnp.pad(x, [(0, 0), *(padding(size, causal) for size in sizes), (0, 0)])
    under = []
    for tap in np.ndindex(*sizes):
        under.append(padded[(slice(None), *(slice(t, t + n) for t, n in zip(tap, spatial, strict=True)))])
    return jnp.concatenate(under, -1) @ kernel.reshape(-1, kernel.shape[-1]).astype(x.dtype)
