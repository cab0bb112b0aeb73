"""Skips: late layers get what early ones made, as in a U: the last layer gets the first one's output, and so on."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.context import Context
from arch.dense import Dense

SKIPS = ('none', 'product', 'weighted')
"""Before a layer of the second half x becomes [x, s] kernel + bias with the output s of its layer of the first half ('product',
U-ViT, 2209.12152), or x + gain s with a gain that starts at 1 ('weighted', the skips of U-Net as sums)."""


class Weighted(nn.Module):
    """x + gain s, one scalar gain that starts at 1: `[..., C] -> [..., C]`."""

    @nn.compact
    def __call__(self, x: jax.Array, early: jax.Array) -> jax.Array:
        return x + self.param('gain', lambda key: jnp.ones((), jnp.float32)).astype(x.dtype) * early


def skips(depth: int) -> dict[int, int]:
    """The late layers with the early layer whose output each gets; the middle one of an odd number has none.

    >>> skips(4), skips(5)
    ({2: 1, 3: 0}, {3: 1, 4: 0})
    """
    return {depth - 1 - early: early for early in reversed(range(depth // 2))}


def joined(how: str, layer: int, x: jax.Array, early: jax.Array, context: Context) -> jax.Array:
    """What the layer of this number reads: x with the output of its early layer; called in the body's scope."""
    if how == 'weighted':
        return Weighted(name=f'skip_{layer}')(x, early)
    return Dense(x.shape[-1], name=f'skip_{layer}')(jnp.concatenate([x, early], -1), context)
