"""Attention: every position looks at every other, weighted by content."""

import jax
from flax import linen as nn

from arch.context import Context
from arch.mixers.projections import join, project, turn
from arch.ops.attend import attend, earlier


class Attention(nn.Module):
    """Multi-head softmax attention (1706.03762): softmax(Q K^T / sqrt(D)) V per head, then an output product.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    Keys have no bias: where nothing turns them, the softmax cancels it. Raises ValueError where `heads` does not divide C.
    """

    ROTATES = True

    heads: int = 2

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        query, key, value = project('attention', x, self.heads, self.heads, context)
        query, key = turn(x, context, query, key)
        mixed = attend(query, key, value, earlier(query.shape[1]) if context.causal else None)
        return join(x, mixed, context)
