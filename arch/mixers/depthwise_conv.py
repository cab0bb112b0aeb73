"""Depthwise convolution: every channel filters its own neighbourhood."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.context import Context
from arch.mixers.window import check_window
from arch.ops.depthwise import depthwise
from arch.vectors import per_channel


class Filters(nn.Module):
    """The filters and biases of a depthwise convolution, drawn from a normal of variance 1 / taps.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    """

    taps: int

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        shape = (self.taps,) * (x.ndim - 2) + (x.shape[-1],)
        count = self.taps ** (x.ndim - 2)
        kernel = self.param('kernel', nn.initializers.normal(count**-0.5), shape, jnp.float32)
        bias = self.param('bias', nn.initializers.zeros, (x.shape[-1],), jnp.float32)
        return depthwise(x, kernel, context.causal) + per_channel(bias, x)


class DepthwiseConv(nn.Module):
    """Depthwise convolution as in ConvNeXt (2201.03545): one filter of `kernel` taps a side per channel, and a bias.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    Raises ValueError for an even kernel outside a causal body (it has no middle).
    """

    kernel: int = 7

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        check_window('depthwise_conv', 'kernel', self.kernel, context)
        return Filters(self.kernel, name='depthwise')(x, context)
