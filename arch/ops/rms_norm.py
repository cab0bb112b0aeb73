"""Root-mean-square normalisation over the channels, with its own derivative."""

import functools

import jax
import jax.numpy as jnp

from arch.ops.wide import wide
from arch.vectors import per_channel


def _normed(x: jax.Array, eps: float) -> tuple[jax.Array, jax.Array]:
    """Rows of mean square 1, and the factor on each: [..., C] and [..., 1]."""
    x = wide(x)
    factor = jax.lax.rsqrt(jnp.square(x).mean(-1, keepdims=True) + eps)
    return x * factor, factor


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def rms_norm(x: jax.Array, scale: jax.Array, eps: float) -> jax.Array:
    """scale x / sqrt(mean(x^2) + eps) (1910.07467): `[..., C] -> [..., C]` with scale [C].

    Computed in float32 at least, the result in the type of x. For the backward pass x is kept, and the rest computed again.
    """
    normed, _ = _normed(x, eps)
    return (normed * per_channel(scale, normed)).astype(x.dtype)


def _forward(x: jax.Array, scale: jax.Array, eps: float) -> tuple[jax.Array, tuple]:
    return rms_norm(x, scale, eps), (x, scale)


def _backward(eps: float, saved: tuple, slope: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Where n is x normed and g = slope scale: factor (g - n mean(g n)), then sum(slope n)."""
    x, scale = saved
    normed, factor = _normed(x, eps)
    slope = wide(slope)
    inner = slope * per_channel(scale, slope)
    rows = tuple(range(x.ndim - 1))
    return (
        (factor * (inner - normed * (inner * normed).mean(-1, keepdims=True))).astype(x.dtype),
        (slope * normed).sum(rows).astype(scale.dtype),
    )


rms_norm.defvjp(_forward, _backward)
