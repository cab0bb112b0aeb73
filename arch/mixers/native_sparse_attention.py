"""Native sparse attention: what blocks say in short, a few blocks in full, and the neighbourhood, each with a gate."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context
from arch.dense import Dense
from arch.make import divides, positive
from arch.mixers.projections import check_heads, join, turn
from arch.mixers.softmax_attention import shared
from arch.model_sockets import Sockets
from arch.ops.attend import attend_near
from arch.ops.attend_blocks import attend_blocks, best, blocks_of
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
    compressed   every whole block of `block` positions as one key and one value, by a small network with a vector for each
                 place in the block
    selected     the positions of the query's own block, of the first one, and of `selected` more: those of the largest weights
                 in the compressed branch, summed over the heads that share keys
    window       the positions at most `window` steps away
    Each branch has keys and values of its own for `kv_heads` groups of the `heads`; the gates g = sigmoid(x gate + bias) are
    one number for each branch and head. In a causal body a query sees blocks that have ended with it or before, and in the
    others positions up to itself. Here blocks do not overlap, and are selected as they are compressed: the paper's case
    l = l' = d, in which the weights of the compressed branch rank the blocks as they stand. The paper does not give the
    network's sizes. Raises ValueError where `heads` does not divide C, or `kv_heads` does not divide heads.
    """

    FITS = ('isotropic', 'causal', 'bidirectional', 'tokens')
    TAKES = ('rotate',)

    sockets: Sockets
    heads: int = 4
    kv_heads: int = 2
    block: int = 2
    selected: int = 2
    window: int = 4

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        name = "mixer 'native_sparse_attention'"
        check_heads('native_sparse_attention', width, self.heads, 'none')
        divides(name, 'kv_heads', self.kv_heads, 'heads', self.heads)
        positive(name, block=self.block, selected=self.selected, window=self.window)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        batch, length, channels = x.shape
        size = channels // self.heads
        query = Dense(channels, bias=False, branch=False, name='query')(x, context).reshape(batch, length, self.heads, size)
        (query,) = turn(x, context, query)
        parts = {}
        for branch in BRANCHES:
            key = Dense(self.kv_heads * size, bias=False, branch=False, name=f'key_{branch}')(x, context)
            value = Dense(self.kv_heads * size, bias=False, name=f'value_{branch}')(x, context)
            key, value = (part.reshape(batch, length, self.kv_heads, size) for part in (key, value))
            parts[branch] = (*turn(x, context, key), value)
        compressed, weights = self.compressed(query, *parts['compressed'], context)
        chosen = self.chosen(weights, length, context.causal)
        key, value = (shared(part, self.heads) for part in parts['selected'])
        selected = attend_blocks(query, key, value, chosen, self.block, context.causal)
        key, value = (shared(part, self.heads) for part in parts['window'])
        near = attend_near(query, key, value, (length,), self.window, context.causal)
        gates = jax.nn.sigmoid(Dense(3 * self.heads, branch=False, name='gate')(x, context)).reshape(batch, length, 3, -1, 1)
        mixed = sum(gates[:, :, number] * part for number, part in enumerate((compressed, selected, near)))
        return join(x, mixed, 'none', context)

    @nn.nowrap
    def compressed(self, query: jax.Array, key: jax.Array, value: jax.Array, context: Context) -> tuple[jax.Array, jax.Array]:
        """The compressed branch and its weights [B, K, N, M]; both are 0 for a query that sees no whole block."""
        length, size = query.shape[1], query.shape[-1]
        keys = Compress(False, name='compress_key')(blocks_of(key, self.block), context)
        values = Compress(True, name='compress_value')(blocks_of(value, self.block), context)
        scores = jnp.einsum('bnkd,bmkd->bknm', query, shared(keys, self.heads)).astype(jnp.float32) / math.sqrt(size)
        ends = (np.arange(keys.shape[1]) + 1) * self.block
        seen = ends[None, :] <= (np.arange(length)[:, None] + 1 if context.causal else length)
        seen = np.broadcast_to(seen, (length, len(ends)))[None, None]
        weights = jax.nn.softmax(jnp.where(seen | ~seen.any(-1, keepdims=True), scores, -jnp.inf), -1)
        weights = weights * seen.astype(np.float32)
        return jnp.einsum('bknm,bmkd->bnkd', weights.astype(value.dtype), shared(values, self.heads)), weights

    @nn.nowrap
    def chosen(self, weights: jax.Array, length: int, causal: bool) -> jax.Array:
        """The blocks that each query and head sees in full, [B, K, N, n], -1 for none: its own, the first, the best others."""
        batch, heads, _, count = weights.shape
        of, others = np.arange(length) // self.block, np.arange(count)[None, :]
        # A compressed block that is no whole one has weight 0 for every query, and is its own positions' alone.
        whole = others < of[:, None] if causal else others < length // self.block
        ranks = weights.reshape(batch, self.kv_heads, -1, length, count).sum(2)
        extra = best(ranks, (whole & (others != of[:, None]) & (others != 0))[None, None], self.selected)
        first = np.where(of > 0, 0, -1)
        always = jnp.asarray(np.stack([of, first], -1), extra.dtype)[None, None]
        chosen = jnp.concatenate([jnp.broadcast_to(always, (*extra.shape[:3], 2)), extra], -1)
        return jnp.repeat(chosen, heads // self.kv_heads, 1)
