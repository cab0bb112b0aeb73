"""Token shift: every position mixed with the one before it, channel by channel (RWKV, 2305.13048)."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.context import Context
from arch.parameter import parameter
from arch.vectors import per_channel


def earlier(x: jax.Array) -> jax.Array:
    """Each position's predecessor, 0 before the first: `[B, N, ...] -> [B, N, ...]`.

    >>> earlier(jnp.arange(1, 4)[None, :, None])[0, :, 0].tolist()
    [0, 1, 2]
    """
    return jnp.pad(x, [(0, 0), (1, 0), *[(0, 0)] * (x.ndim - 2)])[:, :-1]


def before(module: nn.Module, x: jax.Array, context: Context, name: str = 'before') -> jax.Array:
    """`earlier(x)`; in generation the position before as the module has kept it."""
    return earlier(x) if context.past is None else context.past.recent(module, name, x, 1)[:, :1]


class TokenShift(nn.Module):
    """x_n + scale (x_(n-1) - x_n), with one number for each channel: `[B, N, C] -> [B, N, C]`.

    `power`: the first scales are 1 - (c / C)^power for channel c = 0 ... C - 1, so that the first channel is the earlier token
    alone; `power` shrinks to 0 over the depth, as (1 - l / L)^fall in layer l, so that late layers begin with hardly any shift.
    """

    power: float
    fall: float = 1.0

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        def first(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
            return 1 - (jnp.arange(shape[0]) / shape[0]) ** (self.power * (1 - context.layer / context.depth) ** self.fall)

        scale = parameter(self, 'scale', first, (x.shape[-1],))
        return x + per_channel(scale, x) * (before(self, x, context) - x)
