"""Vectors: parameters of one number per channel."""

import jax


def per_channel(vector: jax.Array, x: jax.Array) -> jax.Array:
    """A vector [C] with the rank and the type of `x` [..., C], so that nothing is promoted implicitly."""
    return vector.reshape((1,) * (x.ndim - 1) + vector.shape).astype(x.dtype)
