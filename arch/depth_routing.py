"""Depth routing: a layer that only some positions go through, and the others pass by (mixture of depths)."""

import dataclasses
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Layer
from arch.context import Context
from arch.dense import Dense
from arch.model_sockets import Sockets
from arch.two_branches import two_branches

NAME = "block 'mixture_of_depths'"


def first_come(scores: jax.Array, count: int) -> tuple[jax.Array, jax.Array]:
    """The first `count` positions of each row with a score above 0, in order, and which places of the answer they fill.

    Whether a position is taken depends on its own score and on those before it: `[B, N] -> [B, count], [B, count]`.

    >>> taken, filled = first_come(jnp.array([[1.0, -1.0, 2.0, 3.0], [-1.0, -1.0, 1.0, -1.0]]), 2)
    >>> taken.tolist(), filled.tolist()
    ([[0, 2], [2, 0]], [[True, True], [True, False]])
    """
    wanted = scores > 0
    taken = jnp.argsort(~wanted, axis=1, stable=True)[:, :count]
    return taken, jnp.arange(count)[None] < wanted.sum(1, keepdims=True)


def largest(scores: jax.Array, count: int) -> jax.Array:
    """The `count` positions of each row with the largest scores, in order: `[B, N] -> [B, count]`.

    >>> largest(jnp.array([[1.0, -1.0, 2.0, 3.0]]), 2).tolist()
    [[2, 3]]
    """
    return jnp.sort(jax.lax.top_k(scores, count)[1], 1)


class MixtureOfDepths(Layer):
    """Mixture of depths (2404.02258): x_n + sigmoid(r_n) (layer(x)_n - x_n) for the positions that are taken, x_n for others.

    `[B, N, C] -> [B, N, C]`
    r = x router is one score for each position. The layer of two branches sees the positions that are taken and no others, at
    most `capacity` N of them. Outside causal bodies they are those of the largest scores in the sequence. In a causal body that
    would let a token see later ones, in training too; there a token is taken where its score is above 0, as long as there is
    room, so that earlier ones come first. For this the scores learn to be above 0 where they are among the largest, by the
    paper's auxiliary loss, a cross-entropy weighted by `predict`: it sees later tokens, the scores of the model never do. The
    paper multiplies by r itself. Rotations go by the places in the whole sequence; biases by distance are refused.
    """

    FITS = ('isotropic', 'causal', 'bidirectional', 'tokens')
    BRANCHES = 2
    ON_SUM = True
    GENERATES = True

    sockets: Sockets
    capacity: float = 0.5
    predict: float = 0.01

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        if not 0 < self.capacity <= 1:
            raise ValueError(f'{NAME}: capacity={self.capacity:g} is given; allowed: above 0 and at most 1; change capacity')
        if self.predict < 0:
            raise ValueError(f'{NAME}: predict={self.predict:g} is given; allowed: 0 or above; raise predict')

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        if context.bias is not None:
            raise ValueError(f"{NAME}: a bias by distance does not know which positions were taken; swap('position', ...)")
        length = x.shape[1] if context.past is None else context.past.length
        count = math.ceil(self.capacity * length)
        scores = Dense(1, branch=False, name='router')(x.astype(jnp.float32), context)[..., 0]
        if context.past is not None:
            return self.generated(x, scores, count, context)
        if context.causal:
            taken, filled = first_come(scores, count)
            self.learn(scores, count)
        else:
            taken = largest(scores, count)
            filled = jnp.ones(taken.shape, bool)
        # In a causal body the places that nobody fills are the last ones, which nothing before them sees.
        ids = None if context.ids is None else rows(context.ids, taken)
        inside = dataclasses.replace(context, rotate=placed(context.rotate, taken, length), ids=ids)
        before = rows(x, taken)
        added = two_branches(self.sockets, before, inside) - before
        share = jnp.where(filled, jax.nn.sigmoid(rows(scores, taken)), 0.0)[..., None].astype(x.dtype)
        return x + spread(share * added, taken, length)

    @nn.nowrap
    def generated(self, x: jax.Array, scores: jax.Array, count: int, context: Context) -> jax.Array:
        """One position, by its score and the number of those taken before; the layer's own past is of taken ones alone."""
        past = context.past
        used = self.variable('past', 'past_used', jnp.zeros, len(x), jnp.int32)
        taken = (scores[:, 0] > 0) & (used.value < count)
        own = dataclasses.replace(past, at=used.value, live=past.live & taken, room=count)
        added = two_branches(self.sockets, x, dataclasses.replace(context, past=own)) - x
        used.value = used.value + own.live.astype(jnp.int32)
        share = jnp.where(taken[:, None], jax.nn.sigmoid(scores), 0.0)[..., None].astype(x.dtype)
        return x + share * added

    @nn.nowrap
    def learn(self, scores: jax.Array, count: int) -> None:
        """Sow the loss of scores that are on the wrong side of 0."""
        if self.predict:
            # softplus(s) - s = softplus(-s): the cross-entropy of sigmoid(s) with 0 and 1.
            among = spread(jnp.ones((len(scores), count), jnp.float32), largest(scores, count), scores.shape[1])
            loss = (jax.nn.softplus(scores) - among * scores).mean()
            self.sow('aux', 'depth_router', self.predict * loss)


def rows(x: jax.Array, taken: jax.Array) -> jax.Array:
    """The taken positions of each example: `[B, N, ...], [B, M] -> [B, M, ...]`."""
    return jax.vmap(lambda own, at: own[at])(x, taken)


def spread(part: jax.Array, taken: jax.Array, length: int) -> jax.Array:
    """`rows` the other way, with 0 for the positions that were not taken: `[B, M, ...] -> [B, N, ...]`."""
    return jax.vmap(lambda own, at: jnp.zeros((length, *own.shape[1:]), own.dtype).at[at].add(own))(part, taken)


def placed(rotate: Callable | None, taken: jax.Array, length: int) -> Callable | None:
    """A rotation of queries or keys of taken positions by where they stand in the whole sequence."""
    if rotate is None:
        return None
    return lambda part, spatial: rows(rotate(spread(part, taken, length), (length,)), taken)
