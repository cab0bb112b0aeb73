"""Dense: the matrix product that every block is made of."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.context import Context
from arch.vectors import per_channel


class Dense(nn.Module):
    """y = x kernel + bias, on the last axis; kernel drawn from a truncated normal of variance init_scale^2 / fan-in.

    `[..., C] -> [..., F]` with F = features. The knob `init_scale` multiplies the initial kernel.
    """

    KNOBS = {'init_scale': 1.0}

    features: int
    bias: bool = True

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        scale = context.knob('init_scale', 1.0)

        def draw(key: jax.Array, shape: tuple[int, int]) -> jax.Array:
            return scale * nn.initializers.lecun_normal()(key, shape, jnp.float32)

        kernel = self.param('kernel', draw, (x.shape[-1], self.features))
        y = x @ kernel.astype(x.dtype)
        if self.bias:
            y = y + per_channel(self.param('bias', nn.initializers.zeros, (self.features,), jnp.float32), y)
        return y
