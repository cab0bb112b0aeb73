"""Depthwise convolution: every channel filters its own neighbourhood."""

import jax
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context
from arch.filters import Filters
from arch.window import check_window


class DepthwiseConv(Mixer):
    """Depthwise convolution as in ConvNeXt (2201.03545): one filter of `kernel` taps a side per channel.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    The knob `init_scale` multiplies the initial filters. Raises ValueError for an even kernel outside a causal body (it has
    no middle).
    """

    KNOBS = {'init_scale': 1.0}
    SUBSAMPLES = True
    GENERATES = True

    kernel: int = 7
    bias: bool = True
    stride: int = 1

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        check_window("mixer 'depthwise_conv'", 'kernel', self.kernel, causal)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        return Filters(self.kernel, self.stride, self.bias, name='depthwise')(x, context)
