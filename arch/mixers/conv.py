"""Convolution: every position looks at all channels of its neighbourhood."""

import jax
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context
from arch.filters import Kernels
from arch.window import check_window


class Conv(Mixer):
    """Full convolution as in ResNet (1512.03385): `kernel` taps a side, each a matrix on the channels.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    The knob `init_scale` multiplies the initial kernel. Raises ValueError for an even kernel outside a causal body (it has
    no middle).
    """

    KNOBS = {'init_scale': 1.0}
    SUBSAMPLES = True
    GENERATES = True

    kernel: int = 3
    bias: bool = True
    stride: int = 1

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        check_window("mixer 'conv'", 'kernel', self.kernel, causal)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        return Kernels(x.shape[-1], self.kernel, self.stride, self.bias, name='conv')(x, context)
