"""Kimi delta attention: the delta rule on a state whose key channels fade each at a rate of its own."""

import dataclasses

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context
from arch.dense import Dense
from arch.low_rank import LowRank
from arch.make import divides, positive
from arch.mixers.both_ways import both_ways
from arch.mixers.delta_rule import Short, first_rates, first_steps, unit
from arch.norms import RmsNorm
from arch.ops.corrected_sums import corrected_step, corrected_sums
from arch.ops.decayed_sums import first_state
from arch.parameter import parameter
from arch.past import along


class Direction(nn.Module):
    """The heads from the first position to the last, each normed: norm(q_n S_n). `[B, N, C] -> [B, N, C]`"""

    heads: int
    kernel: int
    rank: int

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        def split(part: jax.Array) -> jax.Array:
            return part.reshape(*x.shape[:2], self.heads, -1).astype(jnp.float32)

        def short(name: str) -> jax.Array:
            part = Dense(x.shape[-1], bias=False, branch=name == 'value', name=name)(x, context)
            # A sequence read backwards has its past before it too.
            return split(Short(self.kernel, name=f'{name}_short')(part, dataclasses.replace(context, causal=True)))

        query, key, value = unit(short('query')), unit(short('key')), short('value')
        strength = jax.nn.sigmoid(split(Dense(self.heads, bias=False, branch=False, name='strength')(x, context)))
        wide = split(LowRank(x.shape[-1], self.rank, None, first_steps, name='decay')(x, context))
        rates = parameter(self, 'scale', first_rates, (self.heads,))
        log_decay = -jnp.exp(rates)[None, None, :, None] * jax.nn.softplus(wide)
        read, write = jnp.exp(log_decay) * key, -strength * key
        parts = (query / query.shape[-1] ** 0.5, key, strength * value, log_decay, read, write)
        mixed = along(context.past, self, corrected_sums, corrected_step, first_state(query, value), *parts)
        return RmsNorm(name='norm')(mixed, context).reshape(x.shape).astype(x.dtype)


class KimiDeltaAttention(Mixer):
    """Kimi delta attention (Kimi Linear, 2510.26692): (sigmoid(gate) * norm(q_n S_n)) output, S as below.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    Per head S_n = (1 - b k^T k) diag(a) S_(n-1) + b k^T v, the gated delta rule with a decay for each channel of a key:
    a = exp(-exp(scale) softplus(x decay + bias)) through `rank` channels, as is the gate, which has a bias. Queries, keys,
    values, the strength b, first values and both directions are as in the gated delta rule. Raises ValueError where `heads`
    does not divide C.
    """

    GENERATES = True

    heads: int = 2
    kernel: int = 4
    rank: int = 16

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        positive("mixer 'kimi_delta_attention'", kernel=self.kernel, rank=self.rank)
        divides("mixer 'kimi_delta_attention'", 'heads', self.heads, 'width', width)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        tokens = x.reshape(len(x), -1, x.shape[-1])
        mixed = both_ways(lambda name: Direction(self.heads, self.kernel, self.rank, name=name), tokens, context)
        gate = LowRank(x.shape[-1], self.rank, None, nn.initializers.zeros, name='gate')(tokens, context)
        return Dense(x.shape[-1], bias=False, end=True, name='output')(jax.nn.sigmoid(gate) * mixed, context).reshape(x.shape)
