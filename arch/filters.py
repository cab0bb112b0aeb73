"""Filters: the kernels and biases of full and of depthwise convolutions."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.context import Context
from arch.ops.convolution import convolution
from arch.ops.depthwise import depthwise
from arch.vectors import per_channel


class Kernels(nn.Module):
    """A full convolution of `taps` a side, keeping every `stride`-th position.

    `[B, N, C] -> [B, N/stride, F]` or `[B, H, W, C] -> [B, H/stride, W/stride, F]` with F = features, sizes rounded up.
    """

    features: int
    taps: int
    stride: int = 1
    bias: bool = True

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        axes = x.ndim - 2
        shape, count = (self.taps,) * axes + (x.shape[-1], self.features), self.taps**axes
        kernel = self.param('kernel', lambda key: context.kernel(key, shape, count * shape[-2], count * shape[-1]))
        y = convolution(x, kernel, context.causal, self.stride)
        if self.bias:
            y = y + per_channel(self.param('bias', nn.initializers.zeros, (self.features,), jnp.float32), y)
        return y


class Filters(nn.Module):
    """A depthwise convolution of `taps` a side, keeping every `stride`-th position.

    `[B, N, C] -> [B, N/stride, C]` or `[B, H, W, C] -> [B, H/stride, W/stride, C]`, sizes rounded up.
    """

    taps: int
    stride: int = 1
    bias: bool = True

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        axes = x.ndim - 2
        shape, count = (self.taps,) * axes + (x.shape[-1],), self.taps**axes
        kernel = self.param('kernel', lambda key: context.kernel(key, shape, count, count))
        y = depthwise(x, kernel, context.causal, self.stride)
        if self.bias:
            y = y + per_channel(self.param('bias', nn.initializers.zeros, (x.shape[-1],), jnp.float32), y)
        return y
