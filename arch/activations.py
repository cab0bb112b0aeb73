"""Activations: a function of each number alone. `(x, context)`; `[..., C] -> [..., C]`."""

import jax
from flax import linen as nn

from arch.context import Context


class Gelu(nn.Module):
    """Gaussian error linear unit (1606.08415): x Phi(x), with the exact Phi.

    `[..., C] -> [..., C]`
    """

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        return jax.nn.gelu(x, approximate=False)


class Relu(nn.Module):
    """Rectified linear unit: max(x, 0).

    `[..., C] -> [..., C]`
    """

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        return jax.nn.relu(x)


class Silu(nn.Module):
    """Sigmoid linear unit (1702.03118): x sigmoid(x).

    `[..., C] -> [..., C]`
    """

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        return jax.nn.silu(x)


ACTIVATIONS = {'gelu': Gelu, 'relu': Relu, 'silu': Silu}
