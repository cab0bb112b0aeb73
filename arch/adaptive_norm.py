"""Adaptive norm: layer normalisation whose scale and shift are products of what the positions say together."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Norm
from arch.channel_gate import summary
from arch.context import Context
from arch.make import positive
from arch.ops.product import product
from arch.parameter import parameter
from arch.vectors import per_channel


class FromZero(nn.Module):
    """x kernel + bias, both from zero: `[..., C] -> [..., F]` with F = features."""

    features: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        kernel = parameter(self, 'kernel', nn.initializers.zeros, (x.shape[-1], self.features))
        bias = parameter(self, 'bias', nn.initializers.zeros, (self.features,))
        return product(x, kernel.astype(x.dtype)) + per_channel(bias, x)


class AdaptiveLayerNorm(Norm):
    """Adaptive layer normalisation (DiT, 2212.09748): (1 + s) (x - mean) / sqrt(variance + eps) + b over the channels.

    `[..., C] -> [..., C]`. [s, b] = silu(c) kernel + bias. DiT makes c of a time and a class, which no task of the lab hands to
    a model. Here c is the mean of x over the positions of its example, in a causal body over those up to each. Kernel and bias
    start at 0, so that it starts as a layer norm without parameters.
    """

    eps: float = 1e-6

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        positive('norm', eps=self.eps)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        wide = x.astype(jnp.float32).reshape(len(x), -1, x.shape[-1])
        centred = wide - wide.mean(-1, keepdims=True)
        normed = centred * jax.lax.rsqrt(jnp.square(centred).mean(-1, keepdims=True) + self.eps)
        scale, shift = jnp.split(FromZero(2 * x.shape[-1], name='adapt')(jax.nn.silu(summary(self, x, context))), 2, -1)
        return ((1 + scale) * normed + shift).reshape(x.shape).astype(x.dtype)
