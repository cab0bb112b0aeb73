"""Shifted MLP: two matrix products that read each position mixed with the one before it."""

import jax
from flax import linen as nn

from arch.block import Channel
from arch.context import Context
from arch.dense import Dense
from arch.make import positive
from arch.model_sockets import Sockets
from arch.token_shift import TokenShift


class ShiftedMlp(Channel):
    """The channel mixing of RWKV-7 (2503.14456): activation((x_n + scale (x_(n-1) - x_n)) up) down, without biases.

    `[B, N, C] -> [B, N, C]`. F = ratio C hidden channels; RWKV has the squared relu. The first scales are
    1 - (c / C)^((1 - l / L)^4) for channel c of layer l. It looks at one earlier token, in any body, so it is no block of each
    position alone.
    """

    FITS = ('isotropic', 'causal', 'bidirectional', 'tokens')
    EQUIVARIANT = False
    GENERATES = True

    sockets: Sockets
    ratio: float = 4.0

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        positive("channel 'shifted_mlp'", ratio=self.ratio)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        shifted = TokenShift(1.0, fall=4.0, name='shift')(x, context)
        hidden = Dense(max(1, round(self.ratio * x.shape[-1])), bias=False, name='up')(shifted, context)
        hidden = self.sockets.make('activation', name='activation')(hidden, context)
        return Dense(x.shape[-1], bias=False, end=True, name='down')(hidden, context)
