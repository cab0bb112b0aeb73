"""Projections: the products before and after attention, the same for every mixer that has queries and keys.

Called inside a mixer's own compact method, so that their parameters are the mixer's: query, key, value, output, and
query_norm and key_norm where the model has a `qk_norm` (2010.04245, 2302.05442: a norm over the channels of each head).
"""

import math

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.context import Context
from arch.dense import Dense
from arch.make import divides, positive
from arch.model_sockets import Sockets
from arch.ops.attend import earlier
from arch.ops.places import places
from arch.short_conv import ShortConv

BIASES = ('all', 'needed', 'none')
"""Which products have biases: all; all but the key, whose bias a softmax cancels where nothing turns or norms it; none."""


def check_heads(kind: str, width: int, heads: int, biases: str, head_size: int = 0) -> None:
    """Raise ValueError for unknown `biases`, or where heads without a size of their own do not divide the width."""
    if head_size:
        positive(f"mixer '{kind}'", heads=heads, head_size=head_size)
    else:
        divides(f"mixer '{kind}'", 'heads', heads, 'width', width)
    if biases not in BIASES:
        raise ValueError(f"mixer '{kind}': biases={biases!r}; allowed: {list(BIASES)}; change biases")


def project(
    sockets: Sockets,
    x: jax.Array,
    heads: int,
    kv_heads: int,
    biases: str,
    context: Context,
    head_size: int = 0,
    joined: bool = False,
    short: int = 0,
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Queries [B, N, heads, D], keys and values [B, N, kv_heads, D], N the flattened positions and D = C / heads.

    Queries and keys are normed by the model's `qk_norm`, each head alone or all `joined`. With `short` taps all three then go
    through short filters over the positions of `x`. Values are mixed by `context.values`. Raises ValueError as `check_heads`
    does.
    """
    channels = x.shape[-1]
    check_heads(sockets.kind('mixer'), channels, heads, biases, head_size)
    size = head_size or channels // heads
    tokens = x.reshape(len(x), -1, channels)
    narrow = kv_heads * size
    query = Dense(heads * size, bias=biases != 'none', branch=False, name='query')(tokens, context)
    key = Dense(narrow, bias=biases == 'all', branch=False, name='key')(tokens, context)
    value = Dense(narrow, bias=biases != 'none', name='value')(tokens, context)
    normed = [part.reshape(*tokens.shape[:2], -1, part.shape[-1] if joined else size) for part in (query, key)]
    query = sockets.make('qk_norm', name='query_norm', site='queries')(normed[0], context)
    key = sockets.make('qk_norm', name='key_norm', site='queries')(normed[1], context)
    if short:
        named = {'query_short': query, 'key_short': key, 'value_short': value}
        query, key, value = (
            ShortConv(short, name=name)(part.reshape(*x.shape[:-1], -1), context) for name, part in named.items()
        )
    query, key, value = (part.reshape(*tokens.shape[:2], -1, size) for part in (query, key, value))
    return query, key, value if context.values is None else context.values(value)


def turn(x: jax.Array, context: Context, *parts: jax.Array) -> tuple[jax.Array, ...]:
    """Queries and keys turned by the model's position rule, where it has one."""
    if context.rotate is None:
        return parts
    if context.past is not None:
        return tuple(context.past.turned(context.rotate, part) for part in parts)
    return tuple(context.rotate(part, x.shape[1:-1]) for part in parts)


def score_bias(x: jax.Array, heads: int, context: Context) -> jax.Array | None:
    """What the model's position rule adds to the scores of every query and key: [K, N, N], or None.

    In generation [B, K, 1, N].
    """
    if context.bias is None:
        return None
    where = places(x.shape[1:-1] if context.past is None else (context.past.length,))
    bias = context.bias(where[None, :] - where[:, None], heads)
    return bias if context.past is None else jnp.moveaxis(context.past.row(jnp.moveaxis(bias, 1, 0)), 1, 2)


def seen(x: jax.Array, context: Context) -> jax.Array | None:
    """Which keys each query sees in a causal body, [N, N], or [B, 1, N] in generation; None: all."""
    if context.past is not None:
        return context.past.seen
    return earlier(math.prod(x.shape[1:-1])) if context.causal else None


def with_past(module: nn.Module, context: Context, **parts: jax.Array) -> list[jax.Array]:
    """Keys and values by name as they are, and in generation with those of all tokens before: [B, N, ...] each."""
    if context.past is None:
        return [*parts.values()]
    return [context.past.stored(module, name, part) for name, part in parts.items()]


def join(x: jax.Array, mixed: jax.Array, biases: str, context: Context) -> jax.Array:
    """The heads [..., K, D] joined, and the output product, in the shape of `x`."""
    channels = x.shape[-1]
    output = Dense(channels, bias=biases != 'none', end=True, name='output')
    return output(mixed.reshape(*mixed.shape[:-2], -1), context).reshape(x.shape)
