"""Latent attention: keys and values of all heads come from a few channels, which a cache would hold in their place."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context
from arch.dense import Dense
from arch.make import positive
from arch.mixers.projections import check_heads, score_bias, seen, turn, with_past
from arch.model_sockets import Sockets
from arch.norms import RmsNorm
from arch.ops.attend import attend


class LatentAttention(Mixer):
    """Multi-head latent attention (DeepSeek-V2, 2405.04434): attention on keys and values that are products of norm(x latent).

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    The latent has `latent` channels, and the norm is the root-mean-square one. A head's query and key have `head_size`
    channels, and `turned` more that the position turns; the key's turned part is a product of x, the same in every head. Values
    have `value_size` channels a head, 0: as many as `head_size`. With a `query_latent` above 0 queries too are products of
    norm(x query_latent), of so many channels, as in DeepSeek-V3 (2412.19437). No product has a bias. Scores are divided by
    sqrt(head_size + turned).
    """

    EQUIVARIANT = True
    GENERATES = True
    TAKES = ('rotate', 'bias', 'values')

    sockets: Sockets
    heads: int = 2
    head_size: int = 8
    turned: int = 4
    latent: int = 8
    query_latent: int = 0
    value_size: int = 0

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        check_heads('latent_attention', width, self.heads, 'none', self.head_size)
        positive("mixer 'latent_attention'", head_size=self.head_size, turned=self.turned, latent=self.latent)
        for name, size, none in (('query_latent', self.query_latent, 'none'), ('value_size', self.value_size, 'head_size')):
            if size < 0:
                raise ValueError(f"mixer 'latent_attention': {name}={size}; allowed: 0 for {none}, or above; change {name}")

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        tokens, (heads, size) = x.reshape(len(x), -1, x.shape[-1]), (self.heads, self.head_size)
        value_size = self.value_size or size

        def product(name: str, x: jax.Array, features: int, branch: bool = True) -> jax.Array:
            return Dense(features, bias=False, branch=branch, name=name)(x, context)

        asked = tokens
        if self.query_latent:
            asked = RmsNorm(name='query_latent_norm')(product('query_latent', tokens, self.query_latent, branch=False), context)
        query = product('query', asked, heads * (size + self.turned), branch=False)
        query, query_turned = jnp.split(query.reshape(*tokens.shape[:2], heads, -1), (size,), -1)
        latent = RmsNorm(name='norm')(product('latent', tokens, self.latent), context)
        key_turned = product('key_turned', tokens, self.turned, branch=False)[:, :, None]
        query_turned, key_turned = turn(x, context, query_turned, key_turned)
        if context.values is None:
            latent, key_turned = with_past(self, context, latent=latent, key_turned=key_turned)
            value = product('value', latent, heads * value_size).reshape(*latent.shape[:2], heads, value_size)
        else:  # values that are mixed with others are no product of the latent alone
            value = context.values(product('value', latent, heads * value_size).reshape(*latent.shape[:2], heads, value_size))
            latent, key_turned, value = with_past(self, context, latent=latent, key_turned=key_turned, value=value)
        key = product('key', latent, heads * size, branch=False).reshape(*latent.shape[:2], heads, size)
        key_turned = jnp.broadcast_to(key_turned, (*latent.shape[:2], heads, self.turned))
        mixed = attend(
            jnp.concatenate([query, query_turned], -1),
            jnp.concatenate([key, key_turned], -1),
            value,
            seen(x, context),
            score_bias(x, heads, context),
        )
        output = Dense(x.shape[-1], bias=False, end=True, name='output')
        return output(mixed.reshape(*tokens.shape[:2], -1), context).reshape(x.shape)
