"""Sliding-window attention: every position looks at its neighbourhood, weighted by content."""

import jax
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context
from arch.make import positive
from arch.mixers.projections import check_heads, join, project, turn
from arch.model_sockets import Sockets
from arch.ops.attend import attend_near


class SlidingWindowAttention(Mixer):
    """Sliding-window attention (2004.05150): softmax attention to the positions at most `window` steps away.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    On a sequence these are `window` tokens before and as many after, none after in a causal body; on a map a square of
    2 window + 1 a side, cut at the borders. A window that covers all gives attention. Raises ValueError where `heads` does
    not divide C.
    """

    TAKES = ('rotate', 'bias', 'qk_norm', 'values')

    sockets: Sockets
    heads: int = 2
    window: int = 3
    biases: str = 'needed'

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        check_heads('sliding_window_attention', width, self.heads, self.biases)
        positive("mixer 'sliding_window_attention'", window=self.window)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        query, key, value = project('sliding_window_attention', self.sockets, x, self.heads, self.heads, self.biases, context)
        query, key = turn(x, context, query, key)
        mixed = attend_near(query, key, value, x.shape[1:-1], self.window, context.causal, context.bias)
        return join(x, mixed, self.biases, context)
