"""Pool: every position looks at the mean of its neighbourhood."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.context import Context
from arch.make import positive
from arch.ops.depthwise import depthwise


class Pool(nn.Module):
    """Average pooling minus the input, as in PoolFormer (2111.11418): mean over a window of `window` a side, less x.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    Positions outside the input do not count in the mean.
    """

    window: int = 3

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("mixer 'pool'", window=self.window)
        box = jnp.ones((self.window,) * (x.ndim - 2) + (1,), x.dtype)
        inside = jnp.ones((1, *x.shape[1:-1], 1), x.dtype)
        count = depthwise(inside, box, context.causal)
        total = depthwise(x, jnp.broadcast_to(box, box.shape[:-1] + x.shape[-1:]), context.causal)
        return total / count - x
