"""Mlp: two matrix products with an activation between."""

import jax
from flax import linen as nn

from arch.block import Channel
from arch.context import Context
from arch.dense import Dense
from arch.make import positive
from arch.model_sockets import Sockets


class Mlp(Channel):
    """Multi-layer perceptron (1706.03762): activation(x up) down, F = ratio C hidden channels.

    `[..., C] -> [..., C]`. `bias`: whether the products have one.
    """

    sockets: Sockets
    ratio: float = 4.0
    bias: bool = True

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        positive("channel 'mlp'", ratio=self.ratio)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        hidden = Dense(max(1, round(self.ratio * x.shape[-1])), bias=self.bias, name='up')(x, context)
        hidden = self.sockets.make('activation', name='activation')(hidden, context)
        return Dense(x.shape[-1], bias=self.bias, end=True, name='down')(hidden, context)
