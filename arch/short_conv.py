"""Short convolutions: each position with a little of its neighbours, channel by channel (Canon layers, 2512.17351)."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.context import Context
from arch.filters import Filters
from arch.make import positive

STARTS = ('uniform', 'zero')
"""How the filters start: drawn uniformly between -1 and 1 over the root of the taps, as in the paper's code, or at 0."""


def check_short_conv(what: str, kernel: int, start: str) -> None:
    """Raise ValueError for a filter without taps or with an unknown start."""
    positive(what, kernel=kernel)
    if start not in STARTS:
        raise ValueError(f'{what}: start={start!r}; allowed: {list(STARTS)}; change start')


def check_short_taps(what: str, taps: int) -> None:
    """Raise ValueError for a field `short_conv`, the taps of filters within a kind, below 0."""
    if taps < 0:
        raise ValueError(f'{what}: short_conv={taps}; allowed: 0 for no filters, or their taps, such as 4; change short_conv')


class ShortConv(nn.Module):
    """x + filter(x), one filter of `taps` a side for each channel, without a bias.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    In a causal body y_n = x_n + sum_t w_t x_(n - taps + 1 + t). Elsewhere the filter stands around the position, with zeros
    outside; one with an even number of taps reaches one step further ahead than back.
    """

    taps: int
    start: str = 'uniform'

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        bound = 0.0 if self.start == 'zero' else self.taps ** (-(x.ndim - 2) / 2)

        def draw(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
            size = jnp.asarray(context.knob('init_scale', 1.0), jnp.float32) * bound
            return size * jax.random.uniform(key, shape, jnp.float32, -1, 1)

        return x + Filters(self.taps, bias=False, draw=draw, name='depthwise')(x, context)
