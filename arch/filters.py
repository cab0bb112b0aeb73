"""Filters: the kernels and biases of full and of depthwise convolutions."""

import jax
from flax import linen as nn

from arch.context import Context
from arch.ops.convolution import convolution
from arch.ops.depthwise import depthwise
from arch.parameter import parameter
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
        kernel = parameter(
            self, 'kernel', lambda key, shape: context.kernel(key, shape, count * shape[-2], count * shape[-1]), shape
        )
        y = convolution(x, kernel, context.causal, self.stride)
        if self.bias:
            y = y + per_channel(parameter(self, 'bias', nn.initializers.zeros, (self.features,)), y)
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
        kernel = parameter(self, 'kernel', lambda key, shape: context.kernel(key, shape, count, count), shape)
        y = depthwise(x, kernel, context.causal, self.stride)
        if self.bias:
            y = y + per_channel(parameter(self, 'bias', nn.initializers.zeros, (x.shape[-1],)), y)
        return y
