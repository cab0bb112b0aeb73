"""Delta rule: a memory of keys and values in which a new value replaces what stood at its key."""

import dataclasses
import math

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context
from arch.dense import Dense
from arch.filters import Filters
from arch.make import divides, positive
from arch.mixers.both_ways import both_ways
from arch.norms import RmsNorm
from arch.ops.decayed_sums import decayed_step, decayed_sums, first_state
from arch.past import along
from arch.vectors import per_channel

STEP_LOW, STEP_HIGH = 0.001, 0.1
"""Between these the first steps of a decay are log-uniform, as in Mamba-2 (2405.21060)."""
RATE_HIGH = 16.0
"""The first rates of decay are uniform between 1 and this."""


def unit(x: jax.Array) -> jax.Array:
    """Vectors of length 1 along the last axis, and 0 for 0."""
    return x * jax.lax.rsqrt(jnp.square(x).sum(-1, keepdims=True) + 1e-6)


def first_steps(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Biases that softplus maps to log-uniform steps."""
    low, high = math.log(STEP_LOW), math.log(STEP_HIGH)
    steps = jnp.exp(low + (high - low) * jax.random.uniform(key, shape))
    return steps + jnp.log(-jnp.expm1(-steps))


def first_rates(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Logarithms of rates that are uniform between 1 and `RATE_HIGH`."""
    return jnp.log(jax.random.uniform(key, shape, minval=1.0, maxval=RATE_HIGH))


class Short(nn.Module):
    """A short filter for each channel, then silu: `[B, N, C] -> [B, N, C]`."""

    kernel: int

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        return jax.nn.silu(Filters(self.kernel, bias=False, name='depthwise')(x, context))


class Direction(nn.Module):
    """The heads of the delta rule from the first position to the last, each normed: norm(q_n S_n). `[B, N, C] -> [B, N, C]`"""

    heads: int
    kernel: int
    decays: bool

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        def short(name: str) -> jax.Array:
            part = Dense(x.shape[-1], bias=False, branch=name == 'value', name=name)(x, context)
            # A sequence read backwards has its past before it too.
            part = Short(self.kernel, name=f'{name}_short')(part, dataclasses.replace(context, causal=True))
            return part.reshape(*x.shape[:2], self.heads, -1).astype(jnp.float32)

        query, key, value = unit(short('query')), unit(short('key')), short('value')
        strength = Dense(self.heads, bias=False, branch=False, name='strength')(x, context).astype(jnp.float32)
        log_decay = jnp.zeros(query.shape[:3], jnp.float32)
        if self.decays:
            scale, bias = self.param('scale', first_rates, (self.heads,)), self.param('bias', first_steps, (self.heads,))
            wide = Dense(self.heads, bias=False, branch=False, name='decay')(x, context).astype(jnp.float32)
            log_decay = -per_channel(jnp.exp(scale), wide) * jax.nn.softplus(wide + per_channel(bias, wide))
        query = query / query.shape[-1] ** 0.5
        parts = (query, key, value, log_decay, jax.nn.sigmoid(strength))
        mixed = along(context.past, self, decayed_sums, decayed_step, first_state(query, value), *parts)
        return RmsNorm(name='norm')(mixed, context).reshape(x.shape).astype(x.dtype)


class DeltaRule(Mixer):
    """The delta rule (DeltaNet, 2406.06484): norm(q_n S_n) output, S_n = S_(n-1) + b_n k_n^T (v_n - k_n S_(n-1)).

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    Per head, with the strength b = sigmoid(x strength). Queries, keys and values are silu(conv(x product)) with causal filters
    of `kernel` taps; queries and keys have length 1, queries are divided by sqrt(D). The norm is the root-mean-square one over
    a head's channels. A causal body runs from the first token on; any other also from the last one back, with all of that
    direction's own but the output, and adds the two, a map row by row. Raises ValueError where `heads` does not divide C.
    """

    GENERATES = True

    heads: int = 2
    kernel: int = 4

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        positive("mixer 'delta_rule'", kernel=self.kernel)
        divides("mixer 'delta_rule'", 'heads', self.heads, 'width', width)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        tokens = x.reshape(len(x), -1, x.shape[-1])
        mixed = both_ways(lambda name: Direction(self.heads, self.kernel, False, name=name), tokens, context)
        return Dense(x.shape[-1], bias=False, end=True, name='output')(mixed, context).reshape(x.shape)


class GatedDeltaRule(Mixer):
    """The gated delta rule (2412.06464): (silu(x gate) * norm(q_n S_n)) output, the delta rule on a state that fades.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    S_n = a_n S_(n-1) + b_n k_n^T (v_n - a_n k_n S_(n-1)), with a decay for each head, a = exp(-exp(scale) softplus(x decay +
    bias)). The first steps softplus(bias) are log-uniform between 0.001 and 0.1, the first rates exp(scale) uniform between 1
    and 16. All else is as in the delta rule. Raises ValueError where `heads` does not divide C.
    """

    GENERATES = True

    heads: int = 2
    kernel: int = 4

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        positive("mixer 'gated_delta_rule'", kernel=self.kernel)
        divides("mixer 'gated_delta_rule'", 'heads', self.heads, 'width', width)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        tokens = x.reshape(len(x), -1, x.shape[-1])
        mixed = both_ways(lambda name: Direction(self.heads, self.kernel, True, name=name), tokens, context)
        gate = Dense(x.shape[-1], bias=False, name='gate')(tokens, context)
        return Dense(x.shape[-1], bias=False, end=True, name='output')(jax.nn.silu(gate) * mixed, context).reshape(x.shape)
