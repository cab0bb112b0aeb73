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
        length = query.shape[1]
        of = np.arange(length) // self.block
        sums, members = blocks_of(key, self.block).sum(2), np.bincount(of).astype(np.float32)
        means = sums.astype(jnp.float32) / members[None, :, None, None]
        scores = jnp.einsum('bnkd,bmkd->bknm', query.astype(jnp.float32), means)
        others = np.arange(len(members))[None, :]
        allowed = others < of[:, None] if context.causal else others != of[:, None]
        chosen = best(scores, allowed[None, None], self.selected)
        own = jnp.broadcast_to(of[None, None, :, None], (*chosen.shape[:3], 1)).astype(chosen.dtype)
        chosen = jnp.concatenate([own, chosen], -1)
        return attend_blocks(query, key, value, chosen, self.block, context.causal, score_bias(x, self.heads, context), scoring)
