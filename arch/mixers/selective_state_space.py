"""Selective state space: every channel has a small state, and the input decides what the state retains."""

import dataclasses
import math

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context
from arch.dense import Dense
from arch.filters import Filters
from arch.make import positive
from arch.ops.recurrence import recurrence, recurrence_step
from arch.vectors import per_channel

CHUNK = 128
"""The number of positions whose states are in memory at a time."""


def decay_and_taken(u: jax.Array, step: jax.Array, rate: jax.Array, enter: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The decay of a state, exp(step rate), and its input, step enter u: both [B, N, F, S].

    u and step [B, N, F], rate [F, S] below 0, enter [B, N, S].
    """
    return jnp.exp(step[..., None] * rate[None, None]), (step * u)[..., None] * enter[:, :, None]


def selective_scan(u: jax.Array, step: jax.Array, rate: jax.Array, enter: jax.Array, leave: jax.Array) -> jax.Array:
    """y_n = leave_n h_n with h_n = exp(step_n rate) h_(n-1) + step_n enter_n u_n: `[B, N, F]`.

    Up to `CHUNK` positions are computed at once. Longer inputs go chunk by chunk, and the backward pass computes each chunk
    again, so that the states of one chunk alone are in memory at a time.
    """
    length = u.shape[1]
    if length <= CHUNK:
        return jnp.einsum('bnfs,bns->bnf', recurrence(*decay_and_taken(u, step, rate, enter)), leave)

    def cut(part: jax.Array) -> jax.Array:
        """[B, N, ...] to [chunks, B, n, ...], with zeros behind: steps of 0 change no state."""
        part = jnp.pad(part, [(0, 0), (0, -length % CHUNK), *[(0, 0)] * (part.ndim - 2)])
        return jnp.moveaxis(part.reshape(len(part), -1, CHUNK, *part.shape[2:]), 1, 0)

    @jax.checkpoint
    def chunk(state: jax.Array, at: tuple) -> tuple[jax.Array, jax.Array]:
        u, step, enter, leave = at
        decay, taken = decay_and_taken(u, step, rate, enter)
        states = recurrence(decay, taken.at[:, 0].add(decay[:, 0] * state))
        return states[:, -1], jnp.einsum('bnfs,bns->bnf', states, leave)

    first = jnp.zeros((len(u), *rate.shape), u.dtype)
    mixed = jax.lax.scan(chunk, first, tuple(map(cut, (u, step, enter, leave))))[1]
    return jnp.moveaxis(mixed, 0, 1).reshape(len(u), -1, u.shape[-1])[:, :length]


class Direction(nn.Module):
    """Filter, activation and selective scan from the first position to the last.

    `[B, N, F] -> [B, N, F]`
    Its own parameters are `scale` [F, S], the logarithms of the negative rates of decay, which start at log 1 ... log S in
    every channel; `bias` [F], which makes the first steps log-uniform between step_low and step_high; and `gain` [F], the share
    of the input that bypasses the state, from 1.
    """

    state: int
    kernel: int
    rank: int
    step_low: float
    step_high: float

    @nn.compact
    def __call__(self, u: jax.Array, context: Context) -> jax.Array:
        features = u.shape[-1]

        def first_bias(key: jax.Array) -> jax.Array:
            low = jnp.log(jnp.float32(context.knob('step_low', self.step_low)))
            high = jnp.log(jnp.float32(context.knob('step_high', self.step_high)))
            steps = jnp.exp(low + (high - low) * jax.random.uniform(key, (features,)))
            return steps + jnp.log(-jnp.expm1(-steps))  # what softplus maps to the steps

        first_rates = jnp.broadcast_to(jnp.log(jnp.arange(1, self.state + 1, dtype=jnp.float32)), (features, self.state))
        rate = -jnp.exp(self.param('scale', lambda key: first_rates))
        bias, gain = self.param('bias', first_bias), self.param('gain', nn.initializers.ones, (features,), jnp.float32)

        # A sequence read backwards has its past before it too.
        u = Filters(self.kernel, name='depthwise')(u, dataclasses.replace(context, causal=True))
        u = jax.nn.silu(u)
        low = Dense(self.rank, bias=False, branch=False, name='step_down')(u, context)
        wide = Dense(features, bias=False, branch=False, name='step_up')(low, context).astype(jnp.float32)
        step = jax.nn.softplus(wide + per_channel(bias, wide))
        enter = Dense(self.state, bias=False, branch=False, name='enter')(u, context).astype(jnp.float32)
        leave = Dense(self.state, bias=False, branch=False, name='leave')(u, context).astype(jnp.float32)
        u = u.astype(jnp.float32)
        if context.past is None:
            return selective_scan(u, step, rate, enter, leave) + per_channel(gain, u) * u
        decay, taken = decay_and_taken(u, step, rate, enter)
        states = context.past.carried(self, recurrence_step, jnp.zeros_like(taken[:, 0]), decay, taken)
        return jnp.einsum('bnfs,bns->bnf', states, leave) + per_channel(gain, u) * u


class SelectiveStateSpace(Mixer):
    """Selective state space (Mamba, 2312.00752): (silu(x gate) * (leave_n h_n + gain u_n)) output, u = silu(conv(x up)).

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    h_n = exp(d_n A) h_(n-1) + d_n enter_n u_n for each of F = expand C channels, with `state` numbers S each; the step is
    d = softplus(u step_down step_up + bias) through ceil(C / 16) channels, A = -exp(scale), and enter and leave are products
    of u. The convolution is causal, of `kernel` taps. The first steps are log-uniform between step_low and step_high, which
    the knobs `step_low` and `step_high` replace. A causal body runs from the first token on; any other also from the last
    one back, with all of that direction's own but one up, gate and output, and adds the two (2401.09417), a map row by row.
    """

    KNOBS = {'step_low': 'step_low', 'step_high': 'step_high'}
    GENERATES = True

    state: int = 8
    expand: float = 2.0
    kernel: int = 4
    step_low: float = 0.001
    step_high: float = 0.1

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        name = "mixer 'selective_state_space'"
        positive(name, state=self.state, expand=self.expand, kernel=self.kernel, step_low=self.step_low)
        if self.step_high < self.step_low:
            raise ValueError(
                f'{name}: step_low={self.step_low} and step_high={self.step_high} are given; allowed: step_low at most '
                'step_high; exchange them'
            )

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        channels = x.shape[-1]
        tokens, features = x.reshape(len(x), -1, channels), max(1, round(self.expand * channels))
        own = {'state': self.state, 'kernel': self.kernel, 'step_low': self.step_low, 'step_high': self.step_high}
        own['rank'] = math.ceil(channels / 16)
        u = Dense(features, bias=False, name='up')(tokens, context)
        mixed = Direction(**own, name='forward')(u, context)
        if not context.causal:
            mixed = mixed + Direction(**own, name='backward')(u[:, ::-1], context)[:, ::-1]
        gated = jax.nn.silu(Dense(features, bias=False, name='gate')(tokens, context)) * mixed.astype(x.dtype)
        return Dense(channels, bias=False, end=True, name='output')(gated, context).reshape(x.shape)
