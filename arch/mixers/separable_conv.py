"""Separable convolution: a product, a filter for each channel, and a product back."""

import jax
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context
from arch.dense import Dense
from arch.filters import Filters
from arch.make import positive
from arch.model_sockets import Sockets
from arch.window import check_window


class SeparableConv(Mixer):
    """Separable convolution of ConvFormer (2210.13452, from MobileNetV2, 1801.04381): filter(activation(x up)) down.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    up leads to expand C channels, each with its own filter of `kernel` taps a side; nothing has a bias. Raises ValueError for
    an even kernel outside a causal body (it has no middle).
    """

    GENERATES = True

    sockets: Sockets
    kernel: int = 7
    expand: float = 2.0

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        positive("mixer 'separable_conv'", expand=self.expand)
        check_window("mixer 'separable_conv'", 'kernel', self.kernel, causal)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        wide = Dense(max(1, round(self.expand * x.shape[-1])), bias=False, name='up')(x, context)
        wide = self.sockets.make('activation', name='activation')(wide, context)
        wide = Filters(self.kernel, bias=False, name='depthwise')(wide, context)
        return Dense(x.shape[-1], bias=False, end=True, name='down')(wide, context)
