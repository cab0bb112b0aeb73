"""State-space duality: a selective state space whose decay is one number a head, so that products compute it."""

import dataclasses

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context
from arch.dense import Dense
from arch.filters import Filters
from arch.make import divides, positive
from arch.mixers.both_ways import both_ways
from arch.mixers.delta_rule import first_rates, first_steps
from arch.norms import RmsNorm
from arch.ops.decayed_sums import decayed_step, decayed_sums, first_state
from arch.past import along
from arch.vectors import per_channel


class Direction(nn.Module):
    """Filter, activation and state space from the first position to the last: `[B, N, C] -> [B, N, F]`."""

    features: int
    heads: int
    state: int
    kernel: int

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        parts = Dense(self.features + 2 * self.state, bias=False, name='up')(x, context)
        # A sequence read backwards has its past before it too.
        parts = jax.nn.silu(Filters(self.kernel, name='depthwise')(parts, dataclasses.replace(context, causal=True)))
        u, enter, leave = jnp.split(parts.astype(jnp.float32), (self.features, self.features + self.state), -1)
        wide = Dense(self.heads, bias=False, branch=False, name='step')(x, context).astype(jnp.float32)
        bias, scale = self.param('bias', first_steps, (self.heads,)), self.param('scale', first_rates, (self.heads,))
        gain = self.param('gain', nn.initializers.ones, (self.heads,), jnp.float32)
        step = jax.nn.softplus(wide + per_channel(bias, wide))
        u = u.reshape(*x.shape[:2], self.heads, -1)
        enter, leave = (jnp.broadcast_to(part[:, :, None], (*u.shape[:3], self.state)) for part in (enter, leave))
        parts = (leave, enter, step[..., None] * u, -step * per_channel(jnp.exp(scale), step), None)
        mixed = along(context.past, self, decayed_sums, decayed_step, first_state(leave, u), *parts)
        return (mixed + gain[None, None, :, None] * u).reshape(*x.shape[:2], self.features).astype(x.dtype)


class StateSpaceDuality(Mixer):
    """State-space duality (Mamba-2, 2405.21060): norm(silu(x gate) * (leave_n S_n + gain u_n)) output, per head.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    S_n = exp(-d_n exp(scale)) S_(n-1) + d_n enter_n^T u_n. The F = expand C channels u and, for all heads together, enter and
    leave of `state` numbers are silu(conv(x up)) with causal filters of `kernel` taps; the step is d = softplus(x step + bias).
    The first steps are log-uniform between 0.001 and 0.1, the first rates exp(scale) uniform between 1 and 16. The norm is the
    root-mean-square one over F. A causal body runs from the first token on; any other also from the last one back, with all
    of that direction's own but gate, norm and output, and adds the two, a map row by row. Raises ValueError where `heads` does
    not divide F.
    """

    GENERATES = True

    heads: int = 4
    state: int = 16
    expand: float = 2.0
    kernel: int = 4

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        name = "mixer 'state_space_duality'"
        positive(name, state=self.state, expand=self.expand, kernel=self.kernel)
        divides(name, 'heads', self.heads, 'expand * width', max(1, round(self.expand * width)))

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        channels, features = x.shape[-1], max(1, round(self.expand * x.shape[-1]))
        tokens = x.reshape(len(x), -1, channels)
        mixed = both_ways(lambda name: Direction(features, self.heads, self.state, self.kernel, name=name), tokens, context)
        gated = jax.nn.silu(Dense(features, bias=False, name='gate')(tokens, context)) * mixed
        return Dense(channels, bias=False, end=True, name='output')(RmsNorm(name='norm')(gated, context), context).reshape(
            x.shape
        )
