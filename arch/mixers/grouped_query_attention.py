"""Grouped-query attention: groups of heads share their keys and values."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context
from arch.make import divides
from arch.mixers.projections import check_heads, join, project, score_bias, turn
from arch.model_sockets import Sockets
from arch.ops.attend import attend, earlier


def shared(part: jax.Array, heads: int) -> jax.Array:
    """Keys or values for every head, each for the next heads / kv_heads ones: [B, N, kv_heads, D] to [B, N, K, D]."""
    batch, length, kv_heads, size = part.shape
    copies = (batch, length, kv_heads, heads // kv_heads, size)
    return jnp.broadcast_to(part[:, :, :, None], copies).reshape(batch, length, heads, size)


class GroupedQueryAttention(Mixer):
    """Grouped-query attention (2305.13245): query head h meets the keys and values of head floor(h kv_heads / heads).

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    With kv_heads = heads it is attention, with kv_heads = 1 multi-query attention (1911.02150). Raises ValueError where
    `heads` does not divide C or `kv_heads` does not divide heads.
    """

    EQUIVARIANT = True
    TAKES = ('rotate', 'bias', 'qk_norm', 'values')

    sockets: Sockets
    heads: int = 4
    kv_heads: int = 2
    biases: str = 'needed'

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        check_heads('grouped_query_attention', width, self.heads, self.biases)
        divides("mixer 'grouped_query_attention'", 'kv_heads', self.kv_heads, 'heads', self.heads)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        query, key, value = project('grouped_query_attention', self.sockets, x, self.heads, self.kv_heads, self.biases, context)
        query, key = turn(x, context, query, key)
        seen = earlier(query.shape[1]) if context.causal else None
        bias = score_bias(x, self.heads, context)
        mixed = attend(query, shared(key, self.heads), shared(value, self.heads), seen, bias)
        return join(x, mixed, self.biases, context)
