"""Softmax attention: the fields and the products that all mixers with queries, keys and a softmax share."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context
from arch.dense import Dense
from arch.make import divides
from arch.mixers.dropout import dropout
from arch.mixers.projections import check_heads, join, project, turn, with_past
from arch.model_sockets import Sockets
from arch.ops.attend import Scoring
from arch.short_conv import check_short_taps

SINKS = ('none', 'one', 'learned')
NORMED = ('head', 'all')


class SoftmaxAttention(Mixer):
    """The base of softmax attention: queries, keys and values per head, and the product after them.

    `kv_heads`: each head of keys and values is for heads / kv_heads heads in a row (2305.13245); 0: one for each. `head_size`:
    the channels of a head; 0: C / heads. `biases`: which products have biases: 'all', 'none', or 'needed': all but the key's,
    which the softmax cancels where nothing turns or norms the keys. `norm_over`: what the model's `qk_norm` norms, each 'head'
    alone or 'all' side by side (OLMo 2, 2501.00656). `softcap`: scores s become softcap tanh(s / softcap) (Gemma 2,
    2408.00118); 0: they stay. `sink`: what else the weights of a query sum over, a score of 0 ('one': 1 + sum exp in the
    denominator) or a 'learned' one for each head that starts at 0 (gpt-oss, 2508.10925). `gate`: the heads are
    multiplied by sigmoid(x gate) before the output product (2505.06708). `short_conv`: the taps of filters y + filter(y) on
    the queries, keys and values, behind the norm and before the position rule, each channel with one of its own (Canon-B,
    2512.17351; arch/short_conv.py); 0: none. In training the knob `attention_dropout` leaves out weights behind the softmax, at
    this rate, and scales the others up by 1 / (1 - rate); the kinds that read it say so in their KNOBS.
    """

    TAKES = ('rotate', 'bias', 'qk_norm', 'values')
    GENERATES = True

    sockets: Sockets
    heads: int = 2
    kv_heads: int = 0
    biases: str = 'needed'
    head_size: int = 0
    norm_over: str = 'head'
    softcap: float = 0.0
    sink: str = 'none'
    gate: bool = False
    short_conv: int = 0

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        kind = self.sockets.kind('mixer')
        check_heads(kind, width, self.heads, self.biases, self.head_size)
        if self.kv_heads < 0:
            raise ValueError(f"mixer '{kind}': kv_heads={self.kv_heads}; allowed: 0 (one for each head) or above; change it")
        if self.kv_heads:
            divides(f"mixer '{kind}'", 'kv_heads', self.kv_heads, 'heads', self.heads)
        for name, value, allowed in (('sink', self.sink, SINKS), ('norm_over', self.norm_over, NORMED)):
            if value not in allowed:
                raise ValueError(f"mixer '{kind}': {name}={value!r}; allowed: {list(allowed)}; change {name}")
        if self.softcap < 0:
            raise ValueError(f"mixer '{kind}': softcap={self.softcap:g}; allowed: 0 for none, or above; change softcap")
        check_short_taps(f"mixer '{kind}'", self.short_conv)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        kv_heads = self.kv_heads or self.heads
        query, key, value = project(
            self.sockets,
            x,
            self.heads,
            kv_heads,
            self.biases,
            context,
            self.head_size,
            self.norm_over == 'all',
            self.short_conv,
        )
        query, key = turn(x, context, query, key)
        key, value = self.met(key, value, context)
        key, value = shared(key, self.heads), shared(value, self.heads)
        sink = None
        if self.sink == 'learned':
            sink = self.param('shift', nn.initializers.zeros, (self.heads,), jnp.float32)
        elif self.sink == 'one':
            sink = jnp.zeros(self.heads, jnp.float32)
        mixed = self.attended(query, key, value, x, context, Scoring(self.softcap, sink, dropout(self, context)))
        if self.gate:
            features = mixed.shape[-2] * mixed.shape[-1]
            gate = Dense(features, bias=self.biases != 'none', name='gate')(x.reshape(len(x), -1, x.shape[-1]), context)
            mixed = mixed * jax.nn.sigmoid(gate).reshape(mixed.shape)
        return join(x, mixed, self.biases, context)

    @nn.nowrap
    def met(self, key: jax.Array, value: jax.Array, context: Context) -> list[jax.Array]:
        """The keys and values that queries meet: in generation with those of tokens before."""
        return with_past(self, context, key=key, value=value)

    @nn.nowrap
    def attended(
        self, query: jax.Array, key: jax.Array, value: jax.Array, x: jax.Array, context: Context, scoring: Scoring
    ) -> jax.Array:
        """The weighted sums of the values, `[B, N, K, D] -> [B, N, K, D]`; `x` has the places of the positions."""
        raise NotImplementedError


def shared(part: jax.Array, heads: int) -> jax.Array:
    """Keys or values for every head, each for the next heads / kv_heads ones: [B, N, kv_heads, D] to [B, N, K, D]."""
    batch, length, kv_heads, size = part.shape
    if kv_heads == heads:
        return part
    copies = (batch, length, kv_heads, heads // kv_heads, size)
    return jnp.broadcast_to(part[:, :, :, None], copies).reshape(batch, length, heads, size)
