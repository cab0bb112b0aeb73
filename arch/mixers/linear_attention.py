"""Linear attention: a product of features in place of the softmax, so that sums over the past suffice."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context
from arch.make import positive
from arch.mixers.projections import check_heads, join, project, turn
from arch.model_sockets import Sockets
from arch.past import Past, summed


def feature(x: jax.Array) -> jax.Array:
    """elu(x) + 1, which is above 0, in float32."""
    return jax.nn.elu(x.astype(jnp.float32)) + 1


class LinearAttention(Mixer):
    """Linear attention (2006.16236): f(Q) sum_m f(K_m)^T V_m / (f(Q) sum_m f(K_m) + eps) per head, f(x) = elu(x) + 1.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    The sums go over all positions; in a causal body over those up to each, as cumulative sums. A position rule turns the
    features above the line and not below it (2104.09864). Raises ValueError where `heads` does not divide C.
    """

    EQUIVARIANT = True
    GENERATES = True
    TAKES = ('rotate', 'qk_norm', 'values')

    sockets: Sockets
    heads: int = 2
    eps: float = 1e-6
    biases: str = 'needed'

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        check_heads('linear_attention', width, self.heads, self.biases)
        positive("mixer 'linear_attention'", eps=self.eps)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        query, key, value = project(self.sockets, x, self.heads, self.heads, self.biases, context)
        query, key = feature(query), feature(key)
        turned_query, turned_key = turn(x, context, query, key)
        value = value.astype(jnp.float32)
        if context.past is not None:
            mixed, total = self.carried((turned_query, query), (turned_key, key), value, context.past)
        elif context.causal:
            joint = jnp.cumsum(jnp.einsum('bnkd,bnke->bnkde', turned_key, value), axis=1)
            mixed = jnp.einsum('bnkd,bnkde->bnke', turned_query, joint)
            total = jnp.einsum('bnkd,bnkd->bnk', query, jnp.cumsum(key, axis=1))
        else:
            joint = jnp.einsum('bmkd,bmke->bkde', turned_key, value)
            mixed = jnp.einsum('bnkd,bkde->bnke', turned_query, joint)
            total = jnp.einsum('bnkd,bkd->bnk', query, key.sum(1))
        mixed = (mixed / (total[..., None] + self.eps)).astype(x.dtype)
        return join(x, mixed, self.biases, context)

    @nn.nowrap
    def carried(self, query: tuple, key: tuple, value: jax.Array, past: Past) -> tuple[jax.Array, jax.Array]:
        """Both sums up to this position, by the sums before it. `query` and `key`: their features, turned and not."""
        pairs = jnp.einsum('bnkd,bnke->bnkde', key[0], value)
        joint = past.carried(self, summed, jnp.zeros_like(pairs[:, 0]), pairs, name='joint')
        keys = past.carried(self, summed, jnp.zeros_like(key[1][:, 0]), key[1], name='keys')
        return jnp.einsum('bnkd,bnkde->bnke', query[0], joint), jnp.einsum('bnkd,bnkd->bnk', query[1], keys)
