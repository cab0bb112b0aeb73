"""Differential attention: the difference of two softmax maps, so that what both see cancels."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context
from arch.dense import Dense
from arch.make import divides
from arch.mixers.projections import score_bias, seen, turn, with_past
from arch.model_sockets import Sockets
from arch.norms import RmsNorm
from arch.ops.attend import attend


class DifferentialAttention(Mixer):
    """Differential attention (2410.05258): (1 - l0) norm((softmax(Q1 K1^T / sqrt(D)) - l softmax(Q2 K2^T / sqrt(D))) V).

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    Per head, with queries and keys of D = C / (2 heads) channels and values of 2 D; then an output product, no biases.
    l = exp(a1 b1) - exp(a2 b2) + l0 with four learned vectors `shift` [4, D], and l0 = 0.8 - 0.6 exp(-0.3 layer), layers
    counted from 0. The norm is the root-mean-square one over a head's channels. Raises ValueError where 2 heads do not
    divide C.
    """

    EQUIVARIANT = True
    GENERATES = True
    TAKES = ('rotate', 'bias', 'qk_norm', 'values')

    sockets: Sockets
    heads: int = 2

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        divides("mixer 'differential_attention'", '2 * heads', 2 * self.heads, 'width', width)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        channels, size = x.shape[-1], x.shape[-1] // self.heads // 2
        tokens = x.reshape(len(x), -1, channels)
        query = Dense(channels, bias=False, branch=False, name='query')(tokens, context)
        key = Dense(channels, bias=False, branch=False, name='key')(tokens, context)
        value = Dense(channels, bias=False, name='value')(tokens, context).reshape(*tokens.shape[:2], self.heads, -1)
        query, key = (part.reshape(*tokens.shape[:2], 2 * self.heads, size) for part in (query, key))
        query = self.sockets.make('qk_norm', name='query_norm', site='queries')(query, context)
        key = self.sockets.make('qk_norm', name='key_norm', site='queries')(key, context)
        query, key = turn(x, context, query, key)
        value = value if context.values is None else context.values(value)
        key, value = with_past(self, context, key=key, value=value)
        mask, bias = seen(x, context), score_bias(x, self.heads, context)
        first, second = (attend(query[:, :, at::2], key[:, :, at::2], value, mask, bias) for at in (0, 1))
        a1, b1, a2, b2 = self.param('shift', nn.initializers.normal(0.1), (4, size), jnp.float32)
        start = 0.8 - 0.6 * jnp.exp(-0.3 * jnp.float32(context.layer))
        share = jnp.exp((a1 * b1).sum()) - jnp.exp((a2 * b2).sum()) + start
        mixed = RmsNorm(name='norm')(first - share.astype(x.dtype) * second, context) * (1 - start).astype(x.dtype)
        return Dense(channels, bias=False, end=True, name='output')(mixed.reshape(tokens.shape), context).reshape(x.shape)
