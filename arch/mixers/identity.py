"""Identity: no mixing at all."""

import jax
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context


class Identity(Mixer):
    """No mixing: y = x, for a body without a mixer.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    """

    EQUIVARIANT = True
    GENERATES = True

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        return x
