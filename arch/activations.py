"""Activations: a function of each number alone. `(x, context)`; `[..., C] -> [..., C]`."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Activation
from arch.context import Context
from arch.ops.gelu import gelu
from arch.parameter import parameter


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


class StarRelu(Activation):
    """StarReLU (2210.13452): scale max(x, 0)^2 + bias, two learned numbers.

    `[..., C] -> [..., C]`. They start at 0.8944 and -0.4472, which give mean 0 and variance 1 for standard normal numbers.
    """

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        scale = parameter(self, 'scale', nn.initializers.constant(0.8944), ())
        bias = parameter(self, 'bias', nn.initializers.constant(-0.4472), ())
        return scale.astype(x.dtype) * jnp.square(jax.nn.relu(x)) + bias.astype(x.dtype)


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
    'star_relu': StarRelu,
    'tanh': Tanh,
    'sigmoid': Sigmoid,
}
