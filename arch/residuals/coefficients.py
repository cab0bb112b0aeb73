"""Coefficients: learned weights between streams, each a number plus a small part that depends on the streams."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.context import Context
from arch.ops.product import product
from arch.parameter import parameter


class Coefficients(nn.Module):
    """bias + gain f(x kernel), in float32; f is tanh or nothing, gain a scalar.

    `[..., C] -> [..., F]`. `first` holds the first bias: [F], or [N, F] where x is [..., N, C]. `gain`: the first gain.
    `drawn`: the kernel starts as the model's `initial` kind draws it, else at 0.
    """

    gain: float | jax.Array
    drawn: bool = False
    tanh: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, first: jax.Array, context: Context) -> jax.Array:
        shape = (x.shape[-1], first.shape[-1])

        def kernel(key: jax.Array, shape: tuple[int, int]) -> jax.Array:
            return context.kernel(key, shape, *shape, branch=False) if self.drawn else jnp.zeros(shape, jnp.float32)

        bias = parameter(self, 'bias', lambda key, shape: first.astype(jnp.float32), first.shape)
        gain = parameter(self, 'gain', lambda key, shape: self.gain * jnp.ones(shape, jnp.float32), ())
        y = product(x.astype(jnp.float32), parameter(self, 'kernel', kernel, shape))
        return bias.reshape((1,) * (y.ndim - bias.ndim) + bias.shape) + gain * (jnp.tanh(y) if self.tanh else y)
