"""Layer normalisation over the channels, with its own derivative."""

import functools

import jax
import jax.numpy as jnp

from arch.ops.wide import wide
from arch.vectors import per_channel


def _normed(x: jax.Array, eps: float) -> tuple[jax.Array, jax.Array]:
    """Rows of mean 0 and variance 1, and the factor on each: [..., C] and [..., 1]."""
    x = wide(x)
    centred = x - x.mean(-1, keepdims=True)
    factor = jax.lax.rsqrt(jnp.square(centred).mean(-1, keepdims=True) + eps)
    return centred * factor, factor


@functools.partial(jax.custom_vjp, nondiff_argnums=(3,))
def layer_norm(x: jax.Array, scale: jax.Array, bias: jax.Array, eps: float) -> jax.Array:
    """scale (x - mean) / sqrt(variance + eps) + bias (1607.06450): `[..., C] -> [..., C]` with scale and bias [C].

    Computed in float32 at least, the result in the type of x. For the backward pass x is kept, and the rest computed again.
    """
    normed, _ = _normed(x, eps)
    return (normed * per_channel(scale, normed) + per_channel(bias, normed)).astype(x.dtype)


def _forward(x: jax.Array, scale: jax.Array, bias: jax.Array, eps: float) -> tuple[jax.Array, tuple]:
    return layer_norm(x, scale, bias, eps), (x, scale, bias)


def _backward(eps: float, saved: tuple, slope: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Where n is x normed and g = slope scale: factor (g - mean(g) - n mean(g n)), then sum(slope n) and sum(slope)."""
    x, scale, bias = saved
    normed, factor = _normed(x, eps)
    slope = wide(slope)
    inner = slope * per_channel(scale, slope)
    along = normed * (inner * normed).mean(-1, keepdims=True)
    rows = tuple(range(x.ndim - 1))
    return (
        (factor * (inner - inner.mean(-1, keepdims=True) - along)).astype(x.dtype),
        (slope * normed).sum(rows).astype(scale.dtype),
        slope.sum(rows).astype(bias.dtype),
    )


layer_norm.defvjp(_forward, _backward)
