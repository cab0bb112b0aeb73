"""Activations: a function of each number alone. `(x, context)`; `[..., C] -> [..., C]`."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Activation
from arch.context import Context
from arch.ops.gelu import gelu


class Gelu(Activation):
    """Gaussian error linear unit (1606.08415): x Phi(x), with the exact Phi.

    `[..., C] -> [..., C]`
    """

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        return gelu(x)


class GeluTanh(Activation):
    """GELU by a tanh (1606.08415), as GPT-2 has it: x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.

    `[..., C] -> [..., C]`
    """

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        return jax.nn.gelu(x, approximate=True)


class Relu(Activation):
    """Rectified linear unit: max(x, 0).

    `[..., C] -> [..., C]`
    """

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        return jax.nn.relu(x)


class Silu(Activation):
    """Sigmoid linear unit (1702.03118): x sigmoid(x).

    `[..., C] -> [..., C]`
    """

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        return jax.nn.silu(x)


class HardSwish(Activation):
    """Hard swish (1905.02244): x min(max(x + 3, 0), 6) / 6, a piecewise stand-in for silu.

    `[..., C] -> [..., C]`
    """

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        return x * jnp.clip(x + 3, 0, 6) / 6


class SquaredRelu(Activation):
    """Squared ReLU (2109.08668): max(x, 0)^2.

    `[..., C] -> [..., C]`
    """

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        return jnp.square(jax.nn.relu(x))


class Tanh(Activation):
    """Hyperbolic tangent: (e^x - e^-x) / (e^x + e^-x).

    `[..., C] -> [..., C]`
    """

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        return jnp.tanh(x)


class Sigmoid(Activation):
    """Logistic sigmoid: 1 / (1 + e^-x).

    `[..., C] -> [..., C]`
    """

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        return jax.nn.sigmoid(x)


ACTIVATIONS = {
    'gelu': Gelu,
    'gelu_tanh': GeluTanh,
    'relu': Relu,
    'silu': Silu,
    'hard_swish': HardSwish,
    'squared_relu': SquaredRelu,
    'tanh': Tanh,
    'sigmoid': Sigmoid,
}
