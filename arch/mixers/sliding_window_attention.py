"""Sliding-window attention: every position looks at its neighbourhood, weighted by content."""

import jax
from flax import linen as nn

from arch.context import Context
from arch.make import positive
from arch.mixers.dropout import KNOBS
from arch.mixers.softmax_attention import SoftmaxAttention
from arch.ops.attend import Scoring, attend_near, attend_recent


class SlidingWindowAttention(SoftmaxAttention):
    """Sliding-window attention (2004.05150): softmax attention to the positions at most `window` steps away.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    On a sequence these are `window` tokens before and as many after, none after in a causal body; on a map a square of
    2 window + 1 a side, cut at the borders. A window that covers all gives attention. The other fields are those of all
    softmax attention: arch/mixers/softmax_attention.py. Raises ValueError where `heads` does not divide C, unless a `head_size`
    is given.
    """

    KNOBS = KNOBS

    window: int = 3

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        super().check(width, causal)
        positive("mixer 'sliding_window_attention'", window=self.window)

    @nn.nowrap
    def met(self, key: jax.Array, value: jax.Array, context: Context) -> list[jax.Array]:
        if context.past is None:
            return [key, value]
        return [context.past.recent(self, name, part, self.window) for name, part in (('key', key), ('value', value))]

    @nn.nowrap
    def attended(
        self, query: jax.Array, key: jax.Array, value: jax.Array, x: jax.Array, context: Context, scoring: Scoring
    ) -> jax.Array:
        if context.past is not None:
            return attend_recent(query, key, value, context.past.at, context.bias, scoring)
        return attend_near(query, key, value, x.shape[1:-1], self.window, context.causal, context.bias, scoring)
