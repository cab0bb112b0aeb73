"""Token MLP: an MLP across positions, the same for every channel."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context
from arch.dense import Dense
from arch.make import positive
from arch.model_sockets import Sockets


class TokenMlp(Mixer):
    """Token mixing of MLP-Mixer (2105.01601): activation(x^T up) down, transposed back; up [N, F], down [F, N].

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    F = ratio C, whatever the number of positions N; the paper's models all have half their channels. A map is taken row by row.
    The kernels fit one N only: a model of it takes inputs of one size.
    """

    FITS = ('hierarchical', 'isotropic', 'bidirectional', 'maps', 'tokens')

    sockets: Sockets
    ratio: float = 0.5

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        positive("mixer 'token_mlp'", ratio=self.ratio)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        positions = jnp.swapaxes(x.reshape(len(x), -1, x.shape[-1]), 1, 2)
        hidden = Dense(max(1, round(self.ratio * x.shape[-1])), name='up')(positions, context)
        hidden = self.sockets.make('activation', name='activation')(hidden, context)
        mixed = Dense(positions.shape[-1], end=True, name='down')(hidden, context)
        return jnp.swapaxes(mixed, 1, 2).reshape(x.shape)
