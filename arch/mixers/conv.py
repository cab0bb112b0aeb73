"""Convolution: every position looks at all channels of its neighbourhood."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.context import Context
from arch.mixers.window import check_window
from arch.ops.convolution import convolution
from arch.vectors import per_channel


class Kernels(nn.Module):
    """The kernel and biases of a convolution, drawn from a truncated normal of variance init_scale^2 / (taps C).

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    """

    taps: int

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        scale = context.knob('init_scale', 1.0)
        channels = x.shape[-1]

        def draw(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
            return scale * nn.initializers.lecun_normal()(key, shape, jnp.float32)

        kernel = self.param('kernel', draw, (self.taps,) * (x.ndim - 2) + (channels, channels))
        bias = self.param('bias', nn.initializers.zeros, (channels,), jnp.float32)
        return convolution(x, kernel, context.causal) + per_channel(bias, x)


class Conv(nn.Module):
    """Full convolution as in ResNet (1512.03385): `kernel` taps a side, each a matrix on the channels, and a bias.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    The knob `init_scale` multiplies the initial kernel. Raises ValueError for an even kernel outside a causal body (it has
    no middle).
    """

    KNOBS = {'init_scale': 1.0}

    kernel: int = 3

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        check_window('conv', 'kernel', self.kernel, context)
        return Kernels(self.kernel, name='conv')(x, context)
