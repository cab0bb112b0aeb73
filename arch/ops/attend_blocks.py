"""Attend blocks: softmax attention of each query to some blocks of positions, which it chooses itself."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from arch.ops.attend import MASKED_BELOW, SOFTMAX, Scoring
from arch.ops.lowering import LOWERING


def blocks_of(x: jax.Array, block: int) -> jax.Array:
    """Positions cut into blocks, with zeros behind the last one: `[B, N, ...] -> [B, N/block, block, ...]`, rounded up.

    >>> blocks_of(jnp.arange(1, 4).reshape(1, 3), 2).tolist()
    [[[1, 2], [3, 0]]]
    """
    padded = jnp.pad(x, [(0, 0), (0, -x.shape[1] % block), *[(0, 0)] * (x.ndim - 2)])
    return padded.reshape(len(x), -1, block, *x.shape[2:])


def windows_of(x: jax.Array, length: int, stride: int) -> jax.Array:
    """`length` positions in a row from every `stride`-th on, then zeros: `[B, N, ...] -> [B, N/stride, length, ...]`.

    >>> windows_of(jnp.arange(1, 5).reshape(1, 4), 3, 2).tolist()
    [[[1, 2, 3], [3, 4, 0]]]
    """
    if length == stride:
        return blocks_of(x, length)
    count = -(-x.shape[1] // stride)
    padded = jnp.pad(x, [(0, 0), (0, max(0, (count - 1) * stride + length - x.shape[1])), *[(0, 0)] * (x.ndim - 2)])
    return padded[:, np.arange(count)[:, None] * stride + np.arange(length)[None, :]]


def best(scores: jax.Array, allowed: np.ndarray | jax.Array, count: int) -> jax.Array:
    """The allowed blocks of largest scores for each query, -1 where too few are allowed: `[..., M] -> [..., count]`.

    >>> best(jnp.array([[1.0, 5.0, 3.0]]), np.array([[True, False, True]]), 3).tolist()
    [[2, 0, -1]]
    """
    ranked, chosen = jax.lax.top_k(jnp.where(allowed, scores, -jnp.inf), min(count, scores.shape[-1]))
    return jnp.where(jnp.isfinite(ranked), chosen, -1)


def attend_blocks(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    chosen: jax.Array,
    block: int,
    causal: bool,
    bias: jax.Array | None = None,
    scoring: Scoring = SOFTMAX,
    at: jax.Array | None = None,
) -> jax.Array:
    """softmax(Q K^T / sqrt(D) + bias) V over the positions of chosen blocks: `[B, N, K, D] -> [B, N, K, D]`.

    `chosen`: the numbers of the blocks [B, K, N, n], each at most once, and -1 for none; every query needs a position that it
    may see. If causal, only those up to the query. The bias is [K, N, N]. Where the blocks are a good part of all positions it
    is full attention with a mask; where they are few, and where costs are counted, each query meets its own blocks alone. `at`
    [B, N]: the places of the queries where they are others than 0 ... N - 1; then a bias is [B, K, N, M].
    """
    length, size = key.shape[1], query.shape[-1]
    own_places, met = np.arange(length), chosen.shape[-1] * block
    own = own_places[None] if at is None else at
    if bias is not None or (LOWERING.get() != 'reference' and length < MASKED_BELOW * met):
        seen = (chosen[..., None] == (own_places // block)[None, None, None, None]).any(-2)
        seen = seen & (own_places[None, None, :] <= own[..., None])[:, None] if causal else seen
        scores = scoring.capped(jnp.einsum('bnkd,bmkd->bknm', query, key).astype(jnp.float32) / math.sqrt(size))
        scores = scores if bias is None else scores + (bias if bias.ndim == 4 else bias[None]).astype(jnp.float32)
        weights = scoring.weights(jnp.where(seen, scores, -jnp.inf)).astype(value.dtype)
        return jnp.einsum('bknm,bmkd->bnkd', weights, value)

    def gathered(part: jax.Array) -> jax.Array:
        """[B, N, K, D] to the chosen ones [B, K, N, n block, D]."""
        cut = jnp.moveaxis(blocks_of(part, block), 3, 1)
        taken = jax.vmap(jax.vmap(lambda blocks, chosen: blocks[chosen]))(cut, jnp.maximum(chosen, 0))
        return taken.reshape(*chosen.shape[:3], met, size)

    places = (chosen[..., None] * block + np.arange(block)[None, None, None, None]).reshape(*chosen.shape[:3], met)
    seen = (places >= 0) & (places < length) & jnp.repeat(chosen >= 0, block, -1)
    seen = seen & (places <= own[:, None, :, None]) if causal else seen
    scores = jnp.einsum('bnkd,bknmd->bknm', query, gathered(key)).astype(jnp.float32) / math.sqrt(size)
    weights = scoring.weights(jnp.where(seen, scoring.capped(scores), -jnp.inf)).astype(value.dtype)
    return jnp.einsum('bknm,bknmd->bnkd', weights, gathered(value))
