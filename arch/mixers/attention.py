"""Attention: every position looks at every other, weighted by content."""

import jax
from flax import linen as nn

from arch.context import Context
from arch.mixers.dropout import KNOBS
from arch.mixers.projections import score_bias, seen
from arch.mixers.softmax_attention import SoftmaxAttention
from arch.ops.attend import Scoring, attend


class Attention(SoftmaxAttention):
    """Multi-head softmax attention (1706.03762): softmax(Q K^T / sqrt(D)) V per head, then an output product.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    The other fields are those of all softmax attention: arch/mixers/softmax_attention.py. Raises ValueError where `heads` does
    not divide C, unless a `head_size` is given.
    """

    KNOBS = KNOBS
    EQUIVARIANT = True

    @nn.nowrap
    def attended(
        self, query: jax.Array, key: jax.Array, value: jax.Array, x: jax.Array, context: Context, scoring: Scoring
    ) -> jax.Array:
        return attend(query, key, value, seen(x, context), score_bias(x, self.heads, context), scoring)
