"""Low rank: a product through few channels, which shifts a vector of its own from example to example."""

from collections.abc import Callable

import jax
from flax import linen as nn

from arch.context import Context
from arch.dense import Dense
from arch.parameter import parameter
from arch.vectors import per_channel


class LowRank(nn.Module):
    """y = between(x down) up + bias with `rank` channels between the two products: `[..., C] -> [..., F]`, F = features.

    `first(key, shape)` gives the first biases; without it there are none.
    """

    features: int
    rank: int
    between: Callable[[jax.Array], jax.Array] | None = None
    first: Callable | None = None

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        low = Dense(self.rank, bias=False, branch=False, name='down')(x, context)
        low = low if self.between is None else self.between(low)
        y = Dense(self.features, bias=False, branch=False, name='up')(low, context)
        return y if self.first is None else y + per_channel(parameter(self, 'bias', self.first, (self.features,)), y)
