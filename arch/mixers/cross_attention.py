"""Cross-attention: a few learned latent vectors read all positions, and all positions read them."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context
from arch.dense import Dense
from arch.make import positive
from arch.mixers.projections import check_heads
from arch.model_sockets import Sockets
from arch.ops.attend import attend


class Read(nn.Module):
    """Softmax attention of some positions to others (1706.03762): `[B, M, C], [B, N, C] -> [B, M, C]`."""

    heads: int
    end: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, others: jax.Array, context: Context) -> jax.Array:
        channels = x.shape[-1]

        def split(part: jax.Array) -> jax.Array:
            return part.reshape(*part.shape[:2], self.heads, -1)

        query = split(Dense(channels, branch=False, name='query')(x, context))
        key = split(Dense(channels, bias=False, branch=False, name='key')(others, context))
        value = split(Dense(channels, name='value')(others, context))
        mixed = attend(query, key, value)
        return Dense(channels, end=self.end, name='output')(mixed.reshape(x.shape), context)


class CrossAttention(Mixer):
    """Cross-attention through latents (Set Transformer, 1810.00825): y = read(x, h) with h = latents + read(latents, x).

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    read(a, b) is softmax attention with the queries of a, and the keys and values of b. The `latents` are learned vectors, the
    same for all examples, and cost N times latents where attention costs N times N. This is the attention of an induced set
    block, without its norms and inner MLPs; the body 'perceiver' keeps the latents from layer to layer (2103.03206). Latents
    hold something of all positions, so no causal body can have it. Raises ValueError where `heads` does not divide C.
    """

    FITS = ('hierarchical', 'isotropic', 'bidirectional', 'maps', 'tokens')
    EQUIVARIANT = True

    sockets: Sockets
    heads: int = 2
    latents: int = 4

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        check_heads('cross_attention', width, self.heads, 'needed')
        positive("mixer 'cross_attention'", latents=self.latents)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        tokens = x.reshape(len(x), -1, x.shape[-1])
        drawn = self.param('embedding', lambda key: context.initial.embedding(key, (self.latents, x.shape[-1])))
        latents = jnp.broadcast_to(drawn[None].astype(x.dtype), (len(x), *drawn.shape))
        latents = latents + Read(self.heads, name='gather')(latents, tokens, context)
        return Read(self.heads, end=True, name='hand_out')(tokens, latents, context).reshape(x.shape)
