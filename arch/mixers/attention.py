"""Attention: every position looks at every other, weighted by content."""

import math

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.context import Context
from arch.dense import Dense
from arch.make import positive


class Attention(nn.Module):
    """Multi-head softmax attention (1706.03762): softmax(Q K^T / sqrt(D)) V per head, then an output product.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    Keys have no bias: where nothing turns them, the softmax cancels it. Raises ValueError where `heads` does not divide C.
    """

    ROTATES = True

    heads: int = 2

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        channels = x.shape[-1]
        positive("mixer 'attention'", heads=self.heads)
        if channels % self.heads:
            fits = [heads for heads in range(1, channels + 1) if channels % heads == 0]
            raise ValueError(
                f"mixer 'attention': heads={self.heads} does not divide width={channels}; allowed: {fits}; "
                'change heads or width'
            )
        tokens = x.reshape(len(x), -1, channels)
        split = (*tokens.shape[:2], self.heads, channels // self.heads)
        query = Dense(channels, name='query')(tokens, context).reshape(split)
        key = Dense(channels, bias=False, name='key')(tokens, context).reshape(split)
        value = Dense(channels, name='value')(tokens, context).reshape(split)
        if context.rotate is not None:
            query, key = context.rotate(query, x.shape[1:-1]), context.rotate(key, x.shape[1:-1])
        scores = jnp.einsum('bnkd,bmkd->bknm', query, key).astype(jnp.float32) / math.sqrt(split[-1])
        if context.causal:
            seen = jnp.tril(jnp.ones((1, 1, split[1], split[1]), bool))
            scores = jnp.where(seen, scores, -jnp.inf)
        weights = jax.nn.softmax(scores, axis=-1).astype(x.dtype)
        mixed = jnp.einsum('bknm,bmkd->bnkd', weights, value).reshape(tokens.shape)
        return Dense(channels, name='output')(mixed, context).reshape(x.shape)
