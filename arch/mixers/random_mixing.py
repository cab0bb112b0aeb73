"""Random mixing: fixed weights from every position to every other one, drawn once and never learned."""

import math

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context


class RandomMixing(Mixer):
    """Random mixing of RandFormer (2210.13452): y_n = sum over m of softmax(W)_nm x_m, with W uniform in [0, 1), never learned.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    W follows from `seed` and the number of the layer, so that it is no parameter; a map is taken row by row.
    """

    FITS = ('hierarchical', 'isotropic', 'bidirectional', 'maps', 'tokens')

    seed: int = 0

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        count = math.prod(x.shape[1:-1])
        drawn = jax.random.uniform(jax.random.fold_in(jax.random.key(self.seed), context.layer), (count, count))
        weights = jax.nn.softmax(drawn, -1).astype(x.dtype)
        return jnp.einsum('nm,bmc->bnc', weights, x.reshape(len(x), count, -1)).reshape(x.shape)
