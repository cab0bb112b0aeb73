"""Grouped-query attention: groups of heads share their keys and values."""

from flax import linen as nn

from arch.make import divides
from arch.mixers.attention import Attention


class GroupedQueryAttention(Attention):
    """Grouped-query attention (2305.13245): query head h meets the keys and values of head floor(h kv_heads / heads).

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    With kv_heads = heads it is attention, with kv_heads = 1 multi-query attention (1911.02150). The other fields are those of
    all softmax attention: arch/mixers/softmax_attention.py. Raises ValueError where `heads` does not divide C, unless a
    `head_size` is given, or `kv_heads` does not divide heads.
    """

    heads: int = 4
    kv_heads: int = 2

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        super().check(width, causal)
        divides("mixer 'grouped_query_attention'", 'kv_heads', self.kv_heads, 'heads', self.heads)
