"""Projections: the products before and after attention, the same for every mixer that has queries and keys.

Called inside a mixer's own compact method, so that their parameters are the mixer's: query, key, value, output. Keys have
no bias: where nothing turns them, a softmax cancels it.
"""

import jax

from arch.context import Context
from arch.dense import Dense
from arch.make import divides


def project(kind: str, x: jax.Array, heads: int, kv_heads: int, context: Context) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Queries [B, N, heads, D], keys and values [B, N, kv_heads, D], N the flattened positions and D = C / heads.

    Raises ValueError where `heads` does not divide C.
    """
    channels = x.shape[-1]
    divides(f"mixer '{kind}'", 'heads', heads, 'width', channels)
    size = channels // heads
    tokens = x.reshape(len(x), -1, channels)
    narrow = kv_heads * size
    query = Dense(channels, name='query')(tokens, context)
    key = Dense(narrow, bias=False, name='key')(tokens, context)
    value = Dense(narrow, name='value')(tokens, context)
    return tuple(part.reshape(*tokens.shape[:2], -1, size) for part in (query, key, value))


def turn(x: jax.Array, context: Context, *parts: jax.Array) -> tuple[jax.Array, ...]:
    """Queries and keys turned by the model's position rule, where it has one."""
    if context.rotate is None:
        return parts
    return tuple(context.rotate(part, x.shape[1:-1]) for part in parts)


def join(x: jax.Array, mixed: jax.Array, context: Context) -> jax.Array:
    """The heads [B, N, K, D] joined, and the output product, in the shape of `x`."""
    channels = x.shape[-1]
    return Dense(channels, name='output')(mixed.reshape(len(x), -1, channels), context).reshape(x.shape)
