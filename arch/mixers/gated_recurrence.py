"""Gated recurrence: every channel has one number of memory, and two gates decide what it retains and takes."""

import dataclasses

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context
from arch.dense import Dense
from arch.filters import Filters
from arch.make import positive
from arch.mixers.both_ways import both_ways
from arch.ops.recurrence import recurrence, recurrence_step
from arch.parameter import parameter
from arch.past import along
from arch.vectors import per_channel

SHARPNESS = 8.0
"""c of the decay exp(-c softplus(scale) r)."""
SLOWEST, FASTEST = 0.999, 0.9
"""The first decays of open gates are uniform between these."""


class Blocks(nn.Module):
    """A product whose kernel is block-diagonal: `[B, N, F] -> [B, N, F]`, each of `heads` groups of channels by its own."""

    heads: int

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        size = x.shape[-1] // self.heads
        shape = (self.heads, size, size)
        kernel = parameter(self, 'kernel', lambda key, shape: context.kernel(key, shape, size, size, branch=False), shape)
        bias = parameter(self, 'bias', nn.initializers.zeros, (x.shape[-1],))
        y = jnp.einsum('bnhi,hio->bnho', x.reshape(*x.shape[:2], self.heads, size), kernel.astype(x.dtype)).reshape(x.shape)
        return y + per_channel(bias, y)


class Direction(nn.Module):
    """Filter and recurrence from the first position to the last: `[B, N, F] -> [B, N, F]`."""

    heads: int
    kernel: int

    @nn.compact
    def __call__(self, u: jax.Array, context: Context) -> jax.Array:
        def first_scale(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
            rate = -jnp.log(jax.random.uniform(key, shape, minval=FASTEST, maxval=SLOWEST)) / SHARPNESS
            return rate + jnp.log(-jnp.expm1(-rate))  # what softplus maps to the rate

        # A sequence read backwards has its past before it too.
        u = Filters(self.kernel, name='depthwise')(u, dataclasses.replace(context, causal=True))
        retain = jax.nn.sigmoid(Blocks(self.heads, name='retain')(u, context).astype(jnp.float32))
        take = jax.nn.sigmoid(Blocks(self.heads, name='take')(u, context).astype(jnp.float32))
        rate = jax.nn.softplus(self.param('scale', first_scale, (u.shape[-1],)))
        log_decay = -SHARPNESS * per_channel(rate, retain) * retain
        # The small number keeps the gradient finite where nothing fades.
        size = jnp.sqrt(jnp.maximum(-jnp.expm1(2 * log_decay), 1e-6))
        decay, taken = jnp.exp(log_decay), size * take * u.astype(jnp.float32)
        return along(context.past, self, recurrence, recurrence_step, jnp.zeros_like(taken[:, 0]), decay, taken).astype(u.dtype)


class GatedRecurrence(Mixer):
    """The real-gated linear recurrent unit in its block (Griffin, 2402.19427): (gelu(x gate) * h) output.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    h_n = a_n h_(n-1) + sqrt(1 - a_n^2) i_n u_n for each of F channels, expand C rounded to a multiple of `heads`, with
    u = conv(x up), a causal filter of `kernel` taps, and a_n = exp(-8 softplus(scale) r_n). The gates r and i are sigmoids of
    block-diagonal products of u, in `heads` blocks. The first decays of open gates are uniform between 0.9 and 0.999. A causal
    body runs from the first token on; any other also from the last one back, with all of that direction's own but up, gate and
    output, and adds the two, a map row by row.
    """

    KERNELS = {f'{way}/{gate}': ('each', 'in', 'out') for way in ('forward', 'backward') for gate in ('retain', 'take')}

    GENERATES = True

    heads: int = 4
    expand: float = 4 / 3
    kernel: int = 4

    @nn.nowrap
    def features(self, width: int) -> int:
        """The number of its channels."""
        return self.heads * max(1, round(self.expand * width / self.heads))

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        positive("mixer 'gated_recurrence'", heads=self.heads, expand=self.expand, kernel=self.kernel)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        channels, features = x.shape[-1], self.features(x.shape[-1])
        tokens = x.reshape(len(x), -1, channels)
        u = Dense(features, name='up')(tokens, context)
        mixed = both_ways(lambda name: Direction(self.heads, self.kernel, name=name), u, context)
        gate = jax.nn.gelu(Dense(features, name='gate')(tokens, context))
        return Dense(channels, end=True, name='output')(gate * mixed, context).reshape(x.shape)
