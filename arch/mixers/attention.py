"""Attention: every position looks at every other, weighted by content."""

import jax
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context
from arch.mixers.projections import check_heads, join, project, score_bias, turn
from arch.model_sockets import Sockets
from arch.ops.attend import attend, earlier


class Attention(Mixer):
    """Multi-head softmax attention (1706.03762): softmax(Q K^T / sqrt(D)) V per head, then an output product.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    `biases`: 'all', 'none', or 'needed': all but the key's, which the softmax cancels where nothing turns or norms the keys.
    Raises ValueError where `heads` does not divide C.
    """

    EQUIVARIANT = True
    TAKES = ('rotate', 'bias', 'qk_norm', 'values')

    sockets: Sockets
    heads: int = 2
    biases: str = 'needed'

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        check_heads('attention', width, self.heads, self.biases)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        query, key, value = project('attention', self.sockets, x, self.heads, self.heads, self.biases, context)
        query, key = turn(x, context, query, key)
        seen = earlier(query.shape[1]) if context.causal else None
        mixed = attend(query, key, value, seen, score_bias(x, self.heads, context))
        return join(x, mixed, self.biases, context)
