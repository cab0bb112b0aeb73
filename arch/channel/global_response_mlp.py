"""Global response MLP: an MLP whose hidden channels answer to their size over all positions."""

import jax
from flax import linen as nn

from arch.block import Channel
from arch.context import Context
from arch.dense import Dense
from arch.make import positive
from arch.model_sockets import Sockets
from arch.norms import ANYWHERE_BUT_CAUSAL, GlobalResponseNorm


class GlobalResponseMlp(Channel):
    """The MLP of ConvNeXt V2 (2301.00808): response(activation(x up)) down, F = ratio C hidden channels.

    `[..., C] -> [..., C]`. response is global response normalisation, h + scale h size / (mean(size) + eps) + bias, with the
    length of each hidden channel over the positions as its size.
    """

    FITS = ANYWHERE_BUT_CAUSAL

    sockets: Sockets
    ratio: float = 4.0

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        positive("channel 'global_response_mlp'", ratio=self.ratio)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        hidden = Dense(max(1, round(self.ratio * x.shape[-1])), name='up')(x, context)
        hidden = self.sockets.make('activation', name='activation')(hidden, context)
        hidden = GlobalResponseNorm(site='channel', name='norm_response')(hidden, context)
        return Dense(x.shape[-1], end=True, name='down')(hidden, context)
