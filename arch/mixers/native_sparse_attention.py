"""Native sparse attention: what blocks say in short, a few blocks in full, and the neighbourhood, each with a gate."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context
from arch.dense import Dense
from arch.make import divides, positive
from arch.mixers.projections import check_heads, join, turn, with_past
from arch.mixers.softmax_attention import shared
from arch.model_sockets import Sockets
from arch.ops.attend import attend_near, attend_recent
from arch.ops.attend_blocks import attend_blocks, best, windows_of
from arch.parameter import parameter

BRANCHES = ('compressed', 'selected', 'window')


class Compress(nn.Module):
    """One vector for each block: gelu([x_1 + shift_1, ..., x_l + shift_l] up) down, `[B, M, l, G, D] -> [B, M, G, D]`.

    `bias`: whether the last product has one, which a softmax over keys would cancel.
    """

    bias: bool

    @nn.compact
    def __call__(self, blocks: jax.Array, context: Context) -> jax.Array:
        _, _, count, _, size = blocks.shape
        shift = parameter(self, 'shift', nn.initializers.normal(0.02), (count, size)).astype(blocks.dtype)
        placed = jnp.moveaxis(blocks + shift[None, None, :, None], 2, 3)
        hidden = jax.nn.gelu(Dense(size, name='up')(placed.reshape(*placed.shape[:3], count * size), context))
        return Dense(size, bias=self.bias, name='down')(hidden, context)


class NativeSparseAttention(Mixer):
    """Native sparse attention (2502.11089): sum over three branches c of g_c Attend(q, K_c, V_c), then an output product.

    `[B, N, C] -> [B, N, C]`
    compressed   `span` positions in a row, from every `apart`-th on, as one key and one value, by a small network with a
                 vector for each place; where they are 0, the blocks of `block` positions
    selected     the positions of the query's own block of `block`, of the first one, and of `selected` more: those of the
                 largest weights in the compressed branch, summed over the heads that share keys
    window       the positions at most `window` steps away
    Each branch has keys and values of its own for `kv_heads` groups of the `heads`; the gates g = sigmoid(x gate + bias) are
    one number for each branch and head. In a causal body a query sees what has ended with it or before, and in the others
    positions up to itself. A block's weight is the sum of the weights of what is compressed, each as many times as the two
    share pieces of `apart` positions: the paper's l is `span`, its d `apart` and its l' `block`. The paper does not give the
    network's sizes. Raises ValueError where `heads` does not divide C, `kv_heads` heads, or `apart` both `span` and `block`.
    """

    FITS = ('isotropic', 'causal', 'bidirectional', 'tokens')
    TAKES = ('rotate',)
    GENERATES = True

    sockets: Sockets
    heads: int = 4
    kv_heads: int = 2
    block: int = 2
    selected: int = 2
    window: int = 4
    span: int = 0
    apart: int = 0

    @nn.nowrap
    def spans(self) -> tuple[int, int]:
        """How many positions become one, and how many lie between the first of those and the first of the next."""
        return self.span or self.block, self.apart or self.span or self.block

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        name = "mixer 'native_sparse_attention'"
        check_heads('native_sparse_attention', width, self.heads, 'none')
        divides(name, 'kv_heads', self.kv_heads, 'heads', self.heads)
        span, apart = self.spans()
        positive(name, block=self.block, selected=self.selected, window=self.window, span=span, apart=apart)
        divides(name, 'apart', apart, 'span', span)
        divides(name, 'apart', apart, 'block', self.block)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        batch, length, channels = x.shape
        size, past = channels // self.heads, context.past
        query = Dense(channels, bias=False, branch=False, name='query')(x, context).reshape(batch, length, self.heads, size)
        (query,) = turn(x, context, query)
        parts = {}
        for branch in BRANCHES:
            key = Dense(self.kv_heads * size, bias=False, branch=False, name=f'key_{branch}')(x, context)
            value = Dense(self.kv_heads * size, bias=False, name=f'value_{branch}')(x, context)
            key, value = (part.reshape(batch, length, self.kv_heads, size) for part in (key, value))
            parts[branch] = (*turn(x, context, key), value)
        at, room = (np.arange(length)[None], length) if past is None else (past.at[:, None], past.room)
        compressed, weights = self.compressed(query, *parts['compressed'], at, room, context)
        chosen = self.chosen(weights, at, room, context.causal)
        key, value = parts['selected']
        key, value = (shared(part, self.heads) for part in with_past(self, context, key=key, value=value))
        selected = attend_blocks(query, key, value, chosen, self.block, context.causal, at=at)
        near = self.near(query, *parts['window'], context)
        gates = jax.nn.sigmoid(Dense(3 * self.heads, branch=False, name='gate')(x, context)).reshape(batch, length, 3, -1, 1)
        mixed = sum(gates[:, :, number] * part for number, part in enumerate((compressed, selected, near)))
        return join(x, mixed, 'none', context)

    @nn.nowrap
    def near(self, query: jax.Array, key: jax.Array, value: jax.Array, context: Context) -> jax.Array:
        """The branch of the neighbourhood."""
        if context.past is None:
            key, value = (shared(part, self.heads) for part in (key, value))
            return attend_near(query, key, value, query.shape[1:2], self.window, context.causal)
        near = [context.past.recent(self, f'near_{name}', part, self.window) for name, part in (('key', key), ('value', value))]
        return attend_recent(query, *(shared(part, self.heads) for part in near), context.past.at)

    @nn.nowrap
    def compressed(
        self, query: jax.Array, key: jax.Array, value: jax.Array, at: np.ndarray | jax.Array, room: int, context: Context
    ) -> tuple[jax.Array, jax.Array]:
        """The compressed branch and its weights [B, K, N, M]; both are 0 for a query that sees nothing that has ended.

        `at`: the places of the queries, [1, N] or [B, N], of at most `room` positions.
        """
        keys = self.shortened(key, Compress(False, name='compress_key'), room, context)
        values = self.shortened(value, Compress(True, name='compress_value'), room, context)
        scores = jnp.einsum('bnkd,bmkd->bknm', query, shared(keys, self.heads)).astype(jnp.float32) / query.shape[-1] ** 0.5
        span, apart = self.spans()
        ends = np.arange(keys.shape[1])[None, None] * apart + span
        seen = ends <= (at[..., None] + 1 if context.causal else np.full((*at.shape, 1), room))
        seen = seen[:, None]
        weights = jax.nn.softmax(jnp.where(seen | ~seen.any(-1, keepdims=True), scores, -jnp.inf), -1)
        weights = weights * seen.astype(np.float32)
        return jnp.einsum('bknm,bmkd->bnkd', weights.astype(value.dtype), shared(values, self.heads)), weights

    @nn.nowrap
    def shortened(self, part: jax.Array, compress: Compress, room: int, context: Context) -> jax.Array:
        """Keys or values in short, `[B, N, G, D] -> [B, M, G, D]`; in generation those that have ended so far."""
        past, (span, apart) = context.past, self.spans()
        if past is None:
            return compress(windows_of(part, span, apart), context)
        last = compress(past.recent(self, f'last_{compress.name}', part, span - 1)[:, None], context)
        begins = past.at + 1 - span
        ended = (begins >= 0) & (begins % apart == 0)

        def write(short: jax.Array, parts: tuple) -> tuple[jax.Array, jax.Array]:
            row = jnp.where(ended, begins // apart, room)  # a row that is not there is left out
            short = jax.vmap(lambda own, at, made: own.at[at].set(made, mode='drop'))(short, row, *parts)
            return short, short

        first = jnp.zeros((len(part), -(-room // apart), *part.shape[2:]), part.dtype)
        return past.carried(self, write, first, last, name=f'short_{compress.name}')[:, 0]

    @nn.nowrap
    def chosen(self, weights: jax.Array, at: np.ndarray | jax.Array, room: int, causal: bool) -> jax.Array:
        """The blocks that each query and head sees in full, [B, K, N, n], -1 for none: its own, the first, the best others."""
        batch, heads, length, count = weights.shape
        of, others = (at // self.block)[..., None], np.arange(-(-room // self.block))[None, None]
        # A block that is no whole one has weight 0 for every query, and is its own positions' alone.
        whole = others < of if causal else np.broadcast_to(others < room // self.block, (*at.shape, others.shape[-1]))
        ranks = weights.reshape(batch, self.kv_heads, -1, length, count).sum(2)
        if self.spans() != (self.block, self.block):
            ranks = ranks @ pieces(count, *self.spans(), others.shape[-1], self.block)
        extra = best(ranks, (whole & (others != of) & (others != 0))[:, None], self.selected)
        first = (np if isinstance(of, np.ndarray) else jnp).where(of > 0, 0, -1)
        always = jnp.concatenate([jnp.asarray(part, extra.dtype) for part in (of, first)], -1)[:, None]
        chosen = jnp.concatenate([jnp.broadcast_to(always, (*extra.shape[:3], 2)), extra], -1)
        return jnp.repeat(chosen, heads // self.kv_heads, 1)


def pieces(count: int, span: int, apart: int, blocks: int, block: int) -> np.ndarray:
    """How many pieces of `apart` positions each of `count` spans shares with each block: `[M, blocks]`.

    >>> pieces(4, 4, 2, 2, 4).tolist()
    [[2.0, 0.0], [1.0, 1.0], [0.0, 2.0], [0.0, 1.0]]
    """
    begins, starts = np.arange(count)[:, None] * apart, np.arange(blocks)[None, :] * block
    both = np.minimum(begins + span, starts + block) - np.maximum(begins, starts)
    return np.maximum(both, 0).astype(np.float32) / apart
