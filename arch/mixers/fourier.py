"""Fourier mixing: no parameters, only a transform of positions and channels."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context


class Fourier(Mixer):
    """Fourier mixing (FNet, 2105.03824): the real part of the discrete Fourier transform over positions and channels.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    Divided by sqrt(N C), so that its output is as large as its input. On maps it goes over rows and columns.
    """

    FITS = ('hierarchical', 'isotropic', 'bidirectional', 'maps', 'tokens')

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        return jnp.fft.fftn(x.astype(jnp.float32), axes=tuple(range(1, x.ndim)), norm='ortho').real.astype(x.dtype)
