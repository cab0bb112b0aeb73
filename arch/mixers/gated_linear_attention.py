"""Gated linear attention: decaying sums over the past, with a decay for each channel of a key."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context
from arch.dense import Dense
from arch.make import divides, positive
from arch.model_sockets import Sockets
from arch.norms import RmsNorm
from arch.ops.corrected_sums import corrected_step, corrected_sums
from arch.ops.decayed_sums import first_state
from arch.past import along


class Direction(nn.Module):
    """The heads of gated linear attention from the first position to the last, each normed: norm(q_n S_n).

    `[B, N, C] -> [B, N, C]`. Queries and keys have `narrow` channels together.
    """

    sockets: Sockets
    heads: int
    narrow: int
    rank: int
    tau: float

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        query = Dense(self.narrow, bias=False, branch=False, name='query')(x, context)
        key = Dense(self.narrow, bias=False, branch=False, name='key')(x, context)
        value = Dense(x.shape[-1], bias=False, name='value')(x, context)
        low = Dense(self.rank, bias=False, branch=False, name='decay_down')(x, context)
        decay = Dense(self.narrow, branch=False, name='decay_up')(low, context)
        query, key, value, decay = (part.reshape(*x.shape[:2], self.heads, -1) for part in (query, key, value, decay))
        query = self.sockets.make('qk_norm', name='query_norm', site='queries')(query, context)
        key = self.sockets.make('qk_norm', name='key_norm', site='queries')(key, context)
        query, key, value, decay = (part.astype(jnp.float32) for part in (query, key, value, decay))
        parts = (query, key, value, jax.nn.log_sigmoid(decay) / self.tau, None, None)
        mixed = along(context.past, self, corrected_sums, corrected_step, first_state(query, value), *parts)
        return RmsNorm(name='norm')(mixed, context).reshape(x.shape).astype(x.dtype)


class GatedLinearAttention(Mixer):
    """Gated linear attention (2312.06635): (silu(x gate) * norm(q S)) output, S_n = diag(a_n) S_(n-1) + k_n^T v_n.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    Per head; a = sigmoid(x decay_down decay_up + bias)^(1 / tau) with `rank` channels between the two products. Queries
    and keys have key_ratio C channels together. The norm is the root-mean-square one over a head's channels, its scale the
    same in every head; the gate has a bias. A causal body sums from the first token on; any other also from the last one
    back, with products and norm of that direction's own but one gate and one output, and adds the two (as 2401.09417), a
    map row by row. Raises ValueError where `heads` does not divide C or key_ratio C.
    """

    TAKES = ('qk_norm',)
    GENERATES = True

    sockets: Sockets
    heads: int = 2
    key_ratio: float = 0.5
    rank: int = 16
    tau: float = 16.0

    @nn.nowrap
    def narrow(self, width: int) -> int:
        """The channels of queries, and of keys."""
        return max(1, round(self.key_ratio * width))

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        name = "mixer 'gated_linear_attention'"
        positive(name, key_ratio=self.key_ratio, rank=self.rank, tau=self.tau)
        divides(name, 'heads', self.heads, 'width', width)
        divides(name, 'heads', self.heads, 'key_ratio * width', self.narrow(width))

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        channels, narrow = x.shape[-1], self.narrow(x.shape[-1])
        tokens = x.reshape(len(x), -1, channels)
        own = {'sockets': self.sockets, 'heads': self.heads, 'narrow': narrow, 'rank': self.rank, 'tau': self.tau}
        mixed = Direction(**own, name='forward')(tokens, context)
        if not context.causal:
            mixed = mixed + Direction(**own, name='backward')(tokens[:, ::-1], context)[:, ::-1]
        gate = Dense(channels, name='gate')(tokens, context)
        return Dense(channels, bias=False, end=True, name='output')(jax.nn.silu(gate) * mixed, context).reshape(x.shape)
