"""Pool: every position looks at the mean of its neighbourhood."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context
from arch.ops.depthwise import depthwise
from arch.ops.toeplitz import positions_under
from arch.window import check_window


class Pool(Mixer):
    """Average pooling minus the input, as in PoolFormer (2111.11418): mean over a window of `window` a side, less x.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    Positions outside the input do not count in the mean. Raises ValueError for an even window outside a causal body (it
    has no middle).
    """

    GENERATES = True

    window: int = 3

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        check_window("mixer 'pool'", 'window', self.window, causal)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        if context.past is not None:
            total = context.past.recent(self, 'inputs', x, self.window - 1).sum(1, keepdims=True)
            count = jnp.minimum(context.past.at + 1, self.window)[:, None, None]
            return total / count.astype(x.dtype) - x
        sizes = (self.window,) * (x.ndim - 2)
        count = positions_under(x.shape[1:-1], sizes, context.causal)[None, ..., None]
        total = depthwise(x, jnp.ones((*sizes, x.shape[-1]), x.dtype), context.causal)
        return total / count.astype(x.dtype) - x
