"""Attend: the weighted sums of softmax attention, over every position or over a neighbourhood."""

import dataclasses
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from arch.ops.lowering import LOWERING
from arch.ops.places import places
from arch.ops.softmax import softmax

MASKED_BELOW = 16
"""With fewer positions than this for each neighbour, full attention with a mask is faster than neighbours, on a CPU core."""


@dataclasses.dataclass(frozen=True)
class Scoring:
    """How scores become weights: a softmax, after softcap tanh(score / softcap) where that is above 0.

    `sink`: a score of each head [K] for nothing at all, which takes a part of the weights; None: there is none. `dropped`:
    random factors of the weights by their shape, 0 for those that are left out; None: all stay.
    """

    softcap: float = 0.0
    sink: jax.Array | None = None
    dropped: Callable[[tuple[int, ...]], jax.Array] | None = None

    def capped(self, scores: jax.Array) -> jax.Array:
        """The scores of queries and keys, before biases and masks."""
        return self.softcap * jnp.tanh(scores / self.softcap) if self.softcap else scores

    def weights(self, scores: jax.Array) -> jax.Array:
        """The weights [B, K, N, M] of scores [B, K, N, M]."""
        if self.sink is None:
            weights = softmax(scores)
        else:
            column = jnp.broadcast_to(self.sink[None, :, None, None], (*scores.shape[:-1], 1))
            weights = softmax(jnp.concatenate([scores, column], -1))[..., :-1]
        return weights if self.dropped is None else weights * self.dropped(weights.shape)

    def near(self, near: np.ndarray, inside: np.ndarray) -> 'Scoring':
        """For weights of all positions [B, K, N, N], with the random factors of weights of `neighbours` alone."""
        if self.dropped is None:
            return self
        dropped, rows = self.dropped, np.arange(len(near))[:, None]
        place = np.zeros((len(near), len(near)), int)  # any, where nothing is seen
        place[np.nonzero(inside)[0], near[inside]] = np.nonzero(inside)[1]
        return dataclasses.replace(self, dropped=lambda shape: dropped((*shape[:2], *near.shape))[:, :, rows, place])


SOFTMAX = Scoring()


def attend(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    seen: jax.Array | None = None,
    bias: jax.Array | None = None,
    scoring: Scoring = SOFTMAX,
) -> jax.Array:
    """softmax(Q K^T / sqrt(D) + bias) V for each head: `[B, N, K, D] -> [B, N, K, D]`.

    Query n sees the keys where `seen[n]`; the bias is [K, N, N], one for all examples. Both may be each example's own, with an
    axis [B] in front.
    """
    scores = scoring.capped(jnp.einsum('bnkd,bmkd->bknm', query, key).astype(jnp.float32) / math.sqrt(query.shape[-1]))
    if bias is not None:
        scores = scores + (bias if bias.ndim == 4 else bias[None]).astype(jnp.float32)
    if seen is not None:
        scores = jnp.where(seen[:, None] if seen.ndim == 3 else seen[None, None], scores, -jnp.inf)
    weights = scoring.weights(scores).astype(value.dtype)
    return jnp.einsum('bknm,bmkd->bnkd', weights, value)


def attend_recent(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    at: jax.Array,
    bias: Callable | None = None,
    scoring: Scoring = SOFTMAX,
) -> jax.Array:
    """`attend_near` of one causal query at place `at` [B] to the keys that end with its own: `[B, 1, K, D] -> [B, 1, K, D]`."""
    steps = np.arange(1 - key.shape[1], 1)
    seen = (at[:, None] + steps[None, :] >= 0)[:, None]
    added = None if bias is None else bias(steps[:, None], query.shape[2])[:, None]
    return attend(query, key, value, seen, added, scoring)


def earlier(length: int) -> jax.Array:
    """The causal mask `[N, N]`: row n is true up to n.

    >>> earlier(3).astype(int).tolist()
    [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    """
    return jnp.tril(jnp.ones((length, length), bool))


def neighbours(spatial: tuple[int, ...], window: int, causal: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The positions within `window` steps along every axis (only earlier ones if causal), whether each is inside, and the
    steps.

    The first two are `[positions, neighbours]`, the steps `[neighbours, axes]`. A neighbour outside of the input is given as
    a position inside, to be masked.

    >>> near, inside, steps = neighbours((3,), window=1, causal=False)
    >>> near.tolist(), inside.tolist(), steps.ravel().tolist()
    ([[0, 0, 1], [0, 1, 2], [1, 2, 2]], [[False, True, True], [True, True, True], [True, True, False]], [-1, 0, 1])
    """
    reach = min(window, max(spatial) - 1)
    steps = np.arange(-reach, 1 if causal else reach + 1)
    offsets = np.stack(np.meshgrid(*[steps] * len(spatial), indexing='ij'), -1).reshape(-1, len(spatial))
    others = places(spatial)[:, None] + offsets
    inside = ((others >= 0) & (others < np.array(spatial))).all(-1)
    return np.ravel_multi_index(tuple(np.moveaxis(others, -1, 0)), spatial, mode='clip'), inside, offsets


def attend_near(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    spatial: tuple[int, ...],
    window: int,
    causal: bool,
    bias: Callable | None = None,
    scoring: Scoring = SOFTMAX,
) -> jax.Array:
    """Softmax attention to the `neighbours` alone: `[B, N, K, D] -> [B, N, K, D]`, N the flattened `spatial` axes.

    A window that is wide for its input becomes full attention with a mask. In a narrow one, and where costs are counted, each
    query attends to its own neighbours only. Both leave out the same weights. `bias` maps steps from query to key and a number
    of heads to an addition to the scores.
    """
    near, inside, steps = neighbours(spatial, window, causal)
    heads = query.shape[2]
    if LOWERING.get() != 'reference' and len(near) < MASKED_BELOW * near.shape[1]:
        seen = np.zeros((len(near), len(near)), bool)
        seen[np.nonzero(inside)[0], near[inside]] = True
        where = places(spatial)
        full = None if bias is None else bias(where[None, :] - where[:, None], heads)
        return attend(query, key, value, jnp.asarray(seen), full, scoring.near(near, inside))
    met = jnp.einsum('bnkd,bnmkd->bknm', query, key[:, near]).astype(jnp.float32)
    scores = scoring.capped(met / math.sqrt(query.shape[-1]))
    if bias is not None:
        scores = scores + bias(steps, heads)[None, :, None].astype(jnp.float32)
    weights = scoring.weights(jnp.where(inside[None, None], scores, -jnp.inf)).astype(value.dtype)
    return jnp.einsum('bknm,bnmkd->bnkd', weights, value[:, near])
