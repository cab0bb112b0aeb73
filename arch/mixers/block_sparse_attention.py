"""Block-sparse attention: every position looks at its own block and at a few others, which it chooses by their mean key."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from arch.context import Context
from arch.make import positive
from arch.mixers.projections import score_bias
from arch.mixers.softmax_attention import SoftmaxAttention
from arch.ops.attend import Scoring
from arch.ops.attend_blocks import attend_blocks, best, blocks_of
from arch.past import Past


class BlockSparseAttention(SoftmaxAttention):
    """Mixture of block attention (MoBA, 2502.13189): softmax attention to the own block and the `selected` best others.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    Positions stand in blocks of `block`, a map's row by row. Each query and head ranks the blocks by q mean(k), with the mean
    over the keys of a block. In a causal body it ranks those before its own, and sees its own up to itself. Too few blocks are
    all taken, and then it is attention. The other fields are those of all softmax attention: arch/mixers/softmax_attention.py.
    Raises ValueError where `heads` does not divide C, unless a `head_size` is given.
    """

    block: int = 4
    selected: int = 2

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        super().check(width, causal)
        positive("mixer 'block_sparse_attention'", block=self.block, selected=self.selected)

    @nn.nowrap
    def attended(
        self, query: jax.Array, key: jax.Array, value: jax.Array, x: jax.Array, context: Context, scoring: Scoring
    ) -> jax.Array:
        members = np.bincount(np.arange(key.shape[1]) // self.block).astype(np.float32)
        at, others = np.arange(key.shape[1])[None], np.arange(len(members))[None, None, None]
        if context.past is None:
            sums = blocks_of(key, self.block).sum(2)
        else:
            at, sums = context.past.at[:, None], self.summed(key, len(members), context.past)
        of = (at // self.block)[:, None, :, None]
        means = sums.astype(jnp.float32) / members[None, :, None, None]
        scores = jnp.einsum('bnkd,bmkd->bknm', query.astype(jnp.float32), means)
        allowed = others < of if context.causal else others != of
        chosen = best(scores, allowed, self.selected)
        own = jnp.broadcast_to(of, (*chosen.shape[:3], 1)).astype(chosen.dtype)
        chosen, bias = jnp.concatenate([own, chosen], -1), score_bias(x, self.heads, context)
        return attend_blocks(query, key, value, chosen, self.block, context.causal, bias, scoring, at)

    @nn.nowrap
    def summed(self, key: jax.Array, blocks: int, past: Past) -> jax.Array:
        """The sum of the keys of each block so far, which generation carries along: `[B, N, K, D] -> [B, M, K, D]`."""
        row = jax.vmap(lambda own, at: own[at])(key, past.at)

        def step(sums: jax.Array, parts: tuple) -> tuple[jax.Array, jax.Array]:
            sums = jax.vmap(lambda own, at, row: own.at[at].add(row))(sums, past.at // self.block, *parts)
            return sums, sums

        first = jnp.zeros((len(key), blocks, *key.shape[2:]), key.dtype)
        return past.carried(self, step, first, row[:, None], name='sums')[:, 0]
