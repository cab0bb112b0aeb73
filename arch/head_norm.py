"""Head norm: layer normalisation of each head alone."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.context import Context
from arch.parameter import parameter
from arch.vectors import per_channel


class HeadNorm(nn.Module):
    """Layer normalisation of each head alone, then a scale and a bias of each channel: `[B, N, K, D] -> [B, N, C]`, C = K D.

    `rise`: the first scales grow over the depth as ((layer + 1) / depth)^rise.
    """

    rise: float = 0.0
    eps: float = 64e-5

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        centred = x - x.mean(-1, keepdims=True)
        normed = centred * jax.lax.rsqrt(jnp.square(centred).mean(-1, keepdims=True) + self.eps)
        normed = normed.reshape(*x.shape[:2], -1)

        def first(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
            return jnp.full(shape, ((context.layer + 1) / context.depth) ** self.rise)

        scale = parameter(self, 'scale', first, normed.shape[-1:])
        bias = parameter(self, 'bias', nn.initializers.zeros, normed.shape[-1:])
        return per_channel(scale, normed) * normed + per_channel(bias, normed)
