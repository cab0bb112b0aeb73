"""Filters: the kernels and biases of full, of depthwise and of strided convolutions."""

from collections.abc import Callable

import jax
from flax import linen as nn

from arch.context import Context
from arch.dense import Dense
from arch.make import positive
from arch.ops.convolution import convolution
from arch.ops.depthwise import depthwise
from arch.ops.patches import patches
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
        if context.past is None:
            y = convolution(x, kernel, context.causal, self.stride)
        else:
            y = convolution(context.past.recent(self, 'inputs', x, self.taps - 1), kernel, True)[:, -1:]
        if self.bias:
            y = y + per_channel(parameter(self, 'bias', nn.initializers.zeros, (self.features,)), y)
        return y


def check_taps(what: str, kernel: int, factor: int) -> None:
    """Raise ValueError where a filter of `kernel` taps at every `factor`-th position steps over some."""
    positive(what, kernel=kernel, factor=factor)
    if kernel < factor:
        raise ValueError(
            f'{what}: kernel={kernel} is below factor={factor}, so that some positions are never read; allowed: kernels of '
            f'{factor} or more; raise kernel or lower factor'
        )


def strided_conv(x: jax.Array, context: Context, features: int, kernel: int, factor: int, bias: bool = True) -> jax.Array:
    """A convolution on maps, `[B, H, W, C] -> [B, H/factor, W/factor, F]`; called in the scope of the kind that has it.

    With as many taps as the factor it is a product on patches, called `patches`; with more, filters in zeros, called `conv`.
    """
    if kernel == factor:
        return Dense(features, bias=bias, name='patches')(patches(x, factor), context)
    return Kernels(features, kernel, factor, bias, name='conv')(x, context)


class Filters(nn.Module):
    """A depthwise convolution of `taps` a side, keeping every `stride`-th position.

    `[B, N, C] -> [B, N/stride, C]` or `[B, H, W, C] -> [B, H/stride, W/stride, C]`, sizes rounded up. `draw(key, shape)` gives
    the first filters in place of the model's `initial` kind.
    """

    taps: int
    stride: int = 1
    bias: bool = True
    draw: Callable | None = None

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        axes = x.ndim - 2
        shape, count = (self.taps,) * axes + (x.shape[-1],), self.taps**axes
        draw = self.draw or (lambda key, shape: context.kernel(key, shape, count, count))
        kernel = parameter(self, 'kernel', draw, shape)
        if context.past is None:
            y = depthwise(x, kernel, context.causal, self.stride)
        else:
            y = depthwise(context.past.recent(self, 'inputs', x, self.taps - 1), kernel, True)[:, -1:]
        if self.bias:
            y = y + per_channel(parameter(self, 'bias', nn.initializers.zeros, (x.shape[-1],)), y)
        return y
