"""RWKV-6: fading sums of keys and values whose token shifts and decays depend on the data."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context
from arch.dense import Dense
from arch.head_norm import HeadNorm
from arch.low_rank import LowRank
from arch.make import divides, positive
from arch.mixers.both_ways import both_ways
from arch.mixers.rwkv7 import Weights, slope
from arch.ops.corrected_sums import corrected_step, corrected_sums
from arch.ops.decayed_sums import first_state
from arch.past import along
from arch.token_shift import TokenShift, before


class Blend(nn.Module):
    """x_n + m_n (x_(n-1) - x_n) with m_n = tanh(shifted down) up + scale: `[B, N, C] -> [B, N, C]`.

    `shifted` is a mixture of each token with the one before it; the first scales are as in a token shift of this `power`.
    """

    rank: int
    power: float

    @nn.compact
    def __call__(self, x: jax.Array, shifted: jax.Array, context: Context) -> jax.Array:
        change = LowRank(x.shape[-1], self.rank, jnp.tanh, name='change')(shifted, context)
        constant = TokenShift(self.power, name='shift')(x, context)
        return constant + change * (before(self, x, context) - x)


class Direction(nn.Module):
    """The time mixing of RWKV-6 from the first position to the last, but for its output product: `[B, N, C] -> [B, N, C]`."""

    heads: int
    rank: int
    decay_rank: int

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        size, shifted = x.shape[-1], TokenShift(1.0, name='shift')(x, context)

        def blended(name: str, power: float) -> jax.Array:
            return Blend(self.rank, power, name=f'{name}_blend')(x, shifted, context)

        def split(part: jax.Array) -> jax.Array:
            return part.reshape(*x.shape[:2], self.heads, -1).astype(jnp.float32)

        def first_decay(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
            return -6 + 5 * (slope(size) + 0.5) ** (0.7 + 1.3 * context.place)

        query = split(Dense(size, bias=False, branch=False, name='query')(blended('query', 0.5), context))
        key = split(Dense(size, bias=False, branch=False, name='key')(blended('key', 1.0), context))
        value = split(Dense(size, bias=False, name='value')(blended('value', 1.0), context))
        decay = LowRank(size, self.decay_rank, jnp.tanh, first_decay, name='decay')(blended('decay', 1.0), context)
        gate = Dense(size, bias=False, name='gate')(blended('gate', 0.5), context)

        # What a query reads is the state before its own token, so that keys, values and decays come one step later.
        log_decay = -jnp.exp(split(decay))
        late = [before(self, part, context, name) for name, part in (('key', key), ('value', value), ('decay', log_decay))]
        parts = (query, *late, None, None)
        mixed = along(context.past, self, corrected_sums, corrected_step, first_state(query, value), *parts)
        weighed = Weights(0.5, name='bonus')((query * key).reshape(x.shape))
        mixed = mixed + split(weighed).sum(-1, keepdims=True) * value
        normed = HeadNorm(name='norm')(mixed, context)
        return jax.nn.silu(gate) * normed.astype(x.dtype)


class Rwkv6(Mixer):
    """The time mixing of RWKV-6 (Finch, 2404.05892): (silu(g) * norm(r S_(n-1) + (r * u) . k v)) output, S as below.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    Per head S_n = diag(w_n) S_(n-1) + k_n^T v_n with w = exp(-exp(x decay)), the decay through `decay_rank` channels. Each of
    r, k, v, w and g is made of a mixture of a token with the one before, by a share for each channel that depends on the data
    through `rank` channels. The norm is a layer norm of each head with a scale and a bias of each channel. First decays and
    shares grow over the channels, and less in later layers; kernels are drawn by the model's `initial` kind. Both directions
    are as in 'rwkv7'. Raises ValueError where `heads` does not divide C.
    """

    GENERATES = True

    heads: int = 2
    rank: int = 32
    decay_rank: int = 64

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        positive("mixer 'rwkv6'", rank=self.rank, decay_rank=self.decay_rank)
        divides("mixer 'rwkv6'", 'heads', self.heads, 'width', width)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        tokens = x.reshape(len(x), -1, x.shape[-1])
        own = {'heads': self.heads, 'rank': self.rank, 'decay_rank': self.decay_rank}
        mixed = both_ways(lambda name: Direction(**own, name=name), tokens, context)
        return Dense(x.shape[-1], bias=False, end=True, name='output')(mixed, context).reshape(x.shape)
