"""Retention: sums over the past that fade at a fixed rate, another for each head."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context
from arch.dense import Dense
from arch.make import divides, positive
from arch.mixers.both_ways import both_ways
from arch.mixers.projections import turn
from arch.model_sockets import Sockets
from arch.norms import RmsNorm
from arch.ops.decayed_sums import decayed_step, decayed_sums, first_state
from arch.past import along


def decays(heads: int) -> np.ndarray:
    """The decay of each head: 1 - 2^(-5 - h).

    >>> decays(2).tolist()
    [0.96875, 0.984375]
    """
    return 1 - 2.0 ** (-5 - np.arange(heads))


class Direction(nn.Module):
    """The heads of retention from the first position to the last, each normed: norm(q_n S_n). `[B, N, C] -> [B, N, F]`"""

    sockets: Sockets
    heads: int
    wide: int

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        query = Dense(x.shape[-1], bias=False, branch=False, name='query')(x, context)
        key = Dense(x.shape[-1], bias=False, branch=False, name='key')(x, context)
        value = Dense(self.wide, bias=False, name='value')(x, context)
        query, key, value = (part.reshape(*x.shape[:2], self.heads, -1) for part in (query, key, value))
        query = self.sockets.make('qk_norm', name='query_norm', site='queries')(query, context)
        key = self.sockets.make('qk_norm', name='key_norm', site='queries')(key, context)
        query, key = turn(x, context, query, key)
        query, key, value = (part.astype(jnp.float32) for part in (query, key / key.shape[-1] ** 0.5, value))
        log_decay = jnp.broadcast_to(jnp.asarray(np.log(decays(self.heads)), jnp.float32)[None, None], query.shape[:3])
        parts = (query, key, value, log_decay, None)
        mixed = along(context.past, self, decayed_sums, decayed_step, first_state(query, value), *parts)
        return RmsNorm(name='norm')(mixed, context).reshape(*x.shape[:2], self.wide).astype(x.dtype)


class Retention(Mixer):
    """Multi-scale retention (RetNet, 2307.08621): (silu(x gate) * norm(q S)) output, S_n = g S_(n-1) + k_n^T v_n / sqrt(D).

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    Per head, with g = 1 - 2^(-5 - h) in head h. Values and gate have value_ratio C channels. The norm is the root-mean-square
    one over a head's channels. The paper turns queries and keys: swap the position for rotary. A causal body sums from the
    first token on; any other also from the last one back, with all of that direction's own but gate and output, and adds the
    two, a map row by row. Raises ValueError where `heads` does not divide C or value_ratio C.
    """

    FITS = ('hierarchical', 'isotropic', 'causal', 'bidirectional', 'maps', 'tokens')
    TAKES = ('rotate', 'qk_norm')
    GENERATES = True

    sockets: Sockets
    heads: int = 2
    value_ratio: float = 2.0

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        positive("mixer 'retention'", value_ratio=self.value_ratio)
        divides("mixer 'retention'", 'heads', self.heads, 'width', width)
        divides("mixer 'retention'", 'heads', self.heads, 'value_ratio * width', round(self.value_ratio * width))

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        channels, wide = x.shape[-1], round(self.value_ratio * x.shape[-1])
        tokens = x.reshape(len(x), -1, channels)
        mixed = both_ways(lambda name: Direction(self.sockets, self.heads, wide, name=name), tokens, context)
        gate = Dense(wide, bias=False, name='gate')(tokens, context)
        return Dense(channels, bias=False, end=True, name='output')(jax.nn.silu(gate) * mixed, context).reshape(x.shape)
