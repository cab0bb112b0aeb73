"""Gated: an MLP whose hidden channels are multiplied by activated gates."""

import jax
from flax import linen as nn

from arch.block import Channel
from arch.context import Context
from arch.dense import Dense
from arch.make import positive
from arch.model_sockets import Sockets
from arch.short_conv import ShortConv, check_short_taps


class Gated(Channel):
    """Gated linear unit (2002.05202): (activation(x gate) * (x up)) down, F = ratio C hidden channels, no biases.

    `[..., C] -> [..., C]`. With ratio 8/3 it has the parameters of an MLP of ratio 4. By its activation it is called GLU
    (sigmoid), SwiGLU (silu), GeGLU (gelu) or ReGLU (relu). `short_conv`: the taps of filters h + filter(h) on x gate and on
    x up, over neighbouring positions (Canon-D, 2512.17351; arch/short_conv.py); 0: none.
    """

    sockets: Sockets
    ratio: float = 8 / 3
    short_conv: int = 0

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        positive("channel 'gated'", ratio=self.ratio)
        check_short_taps("channel 'gated'", self.short_conv)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        features = max(1, round(self.ratio * x.shape[-1]))
        gate = Dense(features, bias=False, name='gate')(x, context)
        value = Dense(features, bias=False, name='up')(x, context)
        if self.short_conv:
            gate = ShortConv(self.short_conv, name='gate_short')(gate, context)
            value = ShortConv(self.short_conv, name='up_short')(value, context)
        hidden = self.sockets.make('activation', name='activation')(gate, context) * value
        return Dense(x.shape[-1], bias=False, end=True, name='down')(hidden, context)
