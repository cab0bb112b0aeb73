"""Gated: an MLP whose hidden channels are multiplied by activated gates."""

import jax
from flax import linen as nn

from arch.block import Channel
from arch.context import Context
from arch.dense import Dense
from arch.make import positive
from arch.model_sockets import Sockets


class Gated(Channel):
    """Gated linear unit (2002.05202): (activation(x gate) * (x up)) down, F = ratio C hidden channels, no biases.

    `[..., C] -> [..., C]`. With ratio 8/3 it has the parameters of an MLP of ratio 4. By its activation it is called GLU
    (sigmoid), SwiGLU (silu), GeGLU (gelu) or ReGLU (relu).
    """

    sockets: Sockets
    ratio: float = 8 / 3

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        positive("channel 'gated'", ratio=self.ratio)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        features = max(1, round(self.ratio * x.shape[-1]))
        gate = Dense(features, bias=False, name='gate')(x, context)
        value = Dense(features, bias=False, name='up')(x, context)
        hidden = self.sockets.make('activation', name='activation')(gate, context) * value
        return Dense(x.shape[-1], bias=False, end=True, name='down')(hidden, context)
