"""RWKV-7: a state of keys and values whose channels fade by themselves and whose old values are replaced."""

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
from arch.mixers.delta_rule import unit
from arch.ops.corrected_sums import corrected_step, corrected_sums
from arch.ops.decayed_sums import first_state
from arch.parameter import parameter
from arch.past import along
from arch.token_shift import TokenShift
from arch.vectors import per_channel

FASTEST = 0.6065306597126334
"""exp(-1/2): the largest rate of decay of a step, so that a channel keeps at least exp(-0.607) = 0.545 of itself."""


def slope(size: int) -> jax.Array:
    """From -1/2 at the first channel to 1/2 at the last: `[C]`."""
    return jnp.arange(size) / max(size - 1, 1) - 0.5


def saw(size: int, heads: int) -> jax.Array:
    """Within each head from -1 to 1, signed squares, so that most channels lie near 0: `[C]`."""
    wide = size // heads
    line = 2 * (jnp.arange(size) % wide) / max(wide - 1, 1) - 1
    return line * jnp.abs(line)


class Weights(nn.Module):
    """A number for each channel, that the mixer multiplies by: `[C]`."""

    first: jax.Array | float

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        scale = parameter(self, 'scale', lambda key, shape: jnp.broadcast_to(self.first, shape), (x.shape[-1],))
        return x * per_channel(scale, x)


class Direction(nn.Module):
    """The time mixing of RWKV-7 from the first position to the last, but for its output product: `[B, N, C] -> [B, N, C]`."""

    heads: int
    rank: int
    gate_rank: int
    value_rank: int

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        size, heads = x.shape[-1], self.heads

        def shifted(name: str, power: float) -> jax.Array:
            return TokenShift(power, name=f'{name}_shift')(x, context)

        def split(part: jax.Array) -> jax.Array:
            return part.reshape(*x.shape[:2], heads, -1).astype(jnp.float32)

        def first_decay(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
            rise = (slope(size) + 0.5) ** (1 + context.place**0.3)
            return -5.5 + 6 * rise + 2.5 * saw(size, heads)

        def first_rate(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
            return -0.19 + 0.3 * saw(size, heads) + 0.4 * slope(size)

        query = split(Dense(size, bias=False, branch=False, name='query')(shifted('query', 0.2), context))
        key = Dense(size, bias=False, branch=False, name='key')(shifted('key', 0.7), context)
        of_value = shifted('value', 0.7)
        value = Dense(size, bias=False, name='value')(of_value, context)
        first = None if context.first_values is None else context.first_values(value)
        if first is not None:
            share = LowRank(size, self.value_rank, None, lambda key, shape: 0.73 - 0.4 * slope(size), name='first')(
                of_value, context
            )
            value = value + jax.nn.sigmoid(share) * (first - value)
        value = split(value)
        decay = LowRank(size, self.rank, jnp.tanh, first_decay, name='decay')(shifted('decay', 0.9), context)
        rate = LowRank(size, self.rank, None, first_rate, name='rate')(shifted('rate', 0.9), context)
        gate = LowRank(size, self.gate_rank, jax.nn.sigmoid, name='gate')(shifted('gate', 0.2), context)

        rate = jax.nn.sigmoid(rate)
        place = unit(split(Weights(0.71 - 0.1 * slope(size), name='replaced')(key)))
        key = split(key + Weights(1.02, name='stepped')(key * (rate - 1)))
        log_decay = -FASTEST * jax.nn.sigmoid(split(decay))
        parts = (query, key, value, log_decay, -place, place * split(rate))
        mixed = along(context.past, self, corrected_sums, corrected_step, first_state(query, value), *parts)
        normed = HeadNorm(0.7, name='norm')(mixed, context)
        weighed = Weights(-0.04, name='bonus')((query * key).reshape(x.shape))
        normed = normed + (split(weighed).sum(-1, keepdims=True) * value).reshape(x.shape)
        return gate * normed.astype(x.dtype)


class Rwkv7(Mixer):
    """The time mixing of RWKV-7 (2503.14456): (g * (norm(r S) + (r * u) . k v)) output with S as below.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    Per head S_n = diag(w) S_(n-1) - (a k')^T (k' S_(n-1)) + k^T v. Each of r, k, v, w, a and g is made of its own mixture of a
    token with the one before. w = exp(-exp(-1/2) sigmoid(...)) and a = sigmoid(...) come through `rank` channels, g through
    `gate_rank`. k' is the key, weighted by channel and of length 1; k is the key times 1 + (a - 1) alpha. The norm is a layer
    norm of each head with a scale and a bias of each channel. First values are those of the authors' code by relative depth,
    but for kernels, which the model's `initial` kind draws. With the residual 'first_values' v becomes v + s (v_1 - v) after
    the first block, where v_1 is that block's and s = sigmoid(...) comes through `value_rank` channels; the channel mixing of
    the paper is the channel block 'shifted_mlp'. A causal body runs from the first token on; any other also from the last one
    back, with all of that direction's own but the output, and adds the two, a map row by row. Raises ValueError where `heads`
    does not divide C.
    """

    TAKES = ('first_values',)
    GENERATES = True

    heads: int = 2
    rank: int = 32
    gate_rank: int = 64
    value_rank: int = 32

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        positive("mixer 'rwkv7'", rank=self.rank, gate_rank=self.gate_rank, value_rank=self.value_rank)
        divides("mixer 'rwkv7'", 'heads', self.heads, 'width', width)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        tokens = x.reshape(len(x), -1, x.shape[-1])
        own = {name: getattr(self, name) for name in ('heads', 'rank', 'gate_rank', 'value_rank')}
        mixed = both_ways(lambda name: Direction(**own, name=name), tokens, context)
        return Dense(x.shape[-1], bias=False, end=True, name='output')(mixed, context).reshape(x.shape)
