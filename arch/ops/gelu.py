"""GELU: the Gaussian error linear unit by erf, with its own derivative."""

import math

import jax
import jax.numpy as jnp

from arch.ops.wide import wide


def normal_share(x: jax.Array) -> jax.Array:
    """Phi(x) = (1 + erf(x / sqrt 2)) / 2, the share of a normal distribution below x."""
    return 0.5 + 0.5 * jax.lax.erf(x * math.sqrt(0.5))


@jax.custom_vjp
def gelu(x: jax.Array) -> jax.Array:
    """x Phi(x) (1606.08415), computed in float32 at least: `[..., C] -> [..., C]`.

    erf is the cheaper form on CPU; erfc would keep more digits far below 0, but there the result is nearly 0. For the backward
    pass x alone is kept.
    """
    return (wide(x) * normal_share(wide(x))).astype(x.dtype)


def _forward(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    return gelu(x), x


def _backward(x: jax.Array, slope: jax.Array) -> tuple[jax.Array]:
    """Phi(x) + x phi(x), with the density phi(x) = exp(-x^2 / 2) / sqrt(2 pi)."""
    z = wide(x)
    density = jnp.exp(-0.5 * jnp.square(z)) * (1 / math.sqrt(2 * math.pi))
    return (((normal_share(z) + z * density) * wide(slope)).astype(x.dtype),)


gelu.defvjp(_forward, _backward)
