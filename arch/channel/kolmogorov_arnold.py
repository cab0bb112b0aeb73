"""Kolmogorov-Arnold: two layers in which every connection has a function of its own."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Channel
from arch.context import Context
from arch.dense import Dense
from arch.make import positive
from arch.ops.splines import bumps


class Connections(nn.Module):
    """y_j = sum over i of (silu(x_i) w_ij + spline_ij(x_i)), cubic splines on a grid: `[..., C] -> [..., F]`, F = features."""

    features: int
    intervals: int
    reach: float
    end: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        plain = Dense(self.features, bias=False, end=self.end, name='plain')(jax.nn.silu(x), context)
        shapes = bumps(x.astype(jnp.float32), -self.reach, self.reach, self.intervals).astype(x.dtype)
        shapes = shapes.reshape(*x.shape[:-1], -1)
        return plain + Dense(self.features, bias=False, end=self.end, name='spline')(shapes, context)


class KolmogorovArnold(Channel):
    """Two Kolmogorov-Arnold layers (KAN, 2404.19756) with F = ratio C channels between them, in the place of an MLP.

    `[..., C] -> [..., C]`. Each connection's function is w silu(x) and a cubic spline with `intervals` from -reach to reach;
    beyond that only w silu(x) is left. One connection has intervals + 4 numbers, so that a ratio of 4 / (intervals + 4) has
    the parameters of an MLP of ratio 4. The grid stays where it is. Kernels are drawn by the model's `initial` kind.
    """

    ratio: float = 0.5
    intervals: int = 4
    reach: float = 2.0

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        positive("channel 'kolmogorov_arnold'", ratio=self.ratio, intervals=self.intervals, reach=self.reach)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        hidden = Connections(max(1, round(self.ratio * x.shape[-1])), self.intervals, self.reach, name='up')(x, context)
        return Connections(x.shape[-1], self.intervals, self.reach, end=True, name='down')(hidden, context)
