"""Mlp: two matrix products with an activation between."""

import jax
from flax import linen as nn

from arch.block import Channel
from arch.context import Context
from arch.dense import Dense
from arch.make import positive
from arch.model_sockets import Sockets
from arch.short_conv import ShortConv, check_short_taps


class Mlp(Channel):
    """Multi-layer perceptron (1706.03762): activation(x up) down, F = ratio C hidden channels.

    `[..., C] -> [..., C]`. `bias`: whether the products have one. `short_conv`: the taps of filters h + filter(h) on the hidden
    channels h = x up, over neighbouring positions (Canon-D, 2512.17351; arch/short_conv.py); 0: none.
    """

    sockets: Sockets
    ratio: float = 4.0
    bias: bool = True
    short_conv: int = 0

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        positive("channel 'mlp'", ratio=self.ratio)
        check_short_taps("channel 'mlp'", self.short_conv)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        hidden = Dense(max(1, round(self.ratio * x.shape[-1])), bias=self.bias, name='up')(x, context)
        if self.short_conv:
            hidden = ShortConv(self.short_conv, name='up_short')(hidden, context)
        hidden = self.sockets.make('activation', name='activation')(hidden, context)
        return Dense(x.shape[-1], bias=self.bias, end=True, name='down')(hidden, context)
