"""Hyena: gates and long convolutions by turns, with filters that a small network makes of time."""

import dataclasses
import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context
from arch.dense import Dense
from arch.filters import Filters
from arch.make import positive
from arch.mixers.both_ways import both_ways
from arch.ops.long_convolution import last_of, long_convolution
from arch.parameter import parameter
from arch.vectors import per_channel

FAST, SLOW, LEFT = 0.3, 1.5, 0.01
"""The window of the first channel has fallen to LEFT after SLOW lengths, that of the last one after FAST."""


def times(count: int, length: int, waves: int) -> np.ndarray:
    """What the network is told of each tap: t = n / length, then cos 2 pi k t and -sin 2 pi k t for k = 0 ... waves - 1."""
    t = np.arange(count)[:, None] / length
    angles = 2 * np.pi * t * np.arange(waves)
    return np.concatenate([t, np.cos(angles), -np.sin(angles)], -1).astype(np.float32)


def window(count: int, length: int, channels: int) -> np.ndarray:
    """exp(-rate t) with rates that rise evenly over the channels: `[N, C]`."""
    rates = np.linspace(-math.log(LEFT) / SLOW, -math.log(LEFT) / FAST, channels)
    return np.exp(-np.arange(count)[:, None] / length * rates).astype(np.float32)


class Sine(nn.Module):
    """sin(gain x), one gain for each channel that starts at `frequency`: `[..., F] -> [..., F]`."""

    frequency: float

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        gain = parameter(self, 'gain', lambda key, shape: jnp.full(shape, self.frequency, jnp.float32), (x.shape[-1],))
        return jnp.sin(per_channel(gain, x) * x)


class ImplicitFilter(nn.Module):
    """The taps of F channels for N positions by three layers with sines and a last product: `[N, F]`."""

    features: int
    hidden: int
    frequency: float

    @nn.compact
    def __call__(self, told: jax.Array, context: Context) -> jax.Array:
        for number in range(3):
            told = Dense(self.hidden, branch=False, name=f'layer_{number}')(told, context)
            told = Sine(self.frequency, name=f'sine_{number}')(told)
        return Dense(self.features, bias=False, branch=False, name='last')(told, context)


class Direction(nn.Module):
    """Hyena from the first position to the last, but for its output product: `[B, N, C] -> [B, N, C]`."""

    order: int
    kernel: int
    hidden: int
    waves: int
    frequency: float
    length: int

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        count, channels = x.shape[1] if context.past is None else context.past.length, x.shape[-1]
        parts = Dense((self.order + 1) * channels, name='up')(x, context)
        # A sequence read backwards has its past before it too.
        parts = Filters(self.kernel, name='depthwise')(parts, dataclasses.replace(context, causal=True))
        *gates, z = jnp.split(parts.astype(jnp.float32), self.order + 1, -1)
        made = ImplicitFilter(self.order * channels, self.hidden, self.frequency, name='filter')
        taps = made(jnp.asarray(times(count, self.length, self.waves)), context).reshape(count, self.order, channels)
        taps = taps * jnp.asarray(window(count, self.length, channels))[:, None]
        scale = parameter(self, 'scale', nn.initializers.normal(1.0), (self.order, channels))
        for number, gate in enumerate(gates):
            if context.past is None:
                long = long_convolution(z, taps[:, number])
            else:
                long = last_of(context.past.stored(self, f'inputs_{number}', z), taps[:, number], context.past.at)
            z = gate * (long + per_channel(scale[number], z) * z)
        return z.astype(x.dtype)


class Hyena(Mixer):
    """Hyena of `order` n (2302.10866): z <- x_i * (h_i * z + scale_i z) for i = 1 ... n from z = v, then an output product.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    v and the gates x_i are products of the input behind a causal filter of `kernel` taps; h_i * z is a causal convolution over
    the whole sequence. Its taps are h_i(t) = exp(-rate t) network(t) for each channel, at t = place / `length`: so a filter
    does not depend on how long its input is. The network has three layers of `hidden` channels with sin(gain x), whose gains
    start at `frequency`, and reads t with `waves` cosines and sines. The windows fall to a hundredth after 1.5 lengths in the
    first channel and 0.3 in the last, and are not learned. This is the paper's definition 3.1; the authors' code for language
    leaves h_1 out. A causal body runs from the first token on; any other also from the last one back, with all of that
    direction's own but the output, and adds the two, a map row by row.
    """

    GENERATES = True

    order: int = 2
    kernel: int = 3
    hidden: int = 16
    waves: int = 4
    frequency: float = 14.0
    length: int = 256

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        sizes = {name: getattr(self, name) for name in ('order', 'kernel', 'hidden', 'waves', 'frequency', 'length')}
        positive("mixer 'hyena'", **sizes)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        own = (self.order, self.kernel, self.hidden, self.waves, self.frequency, self.length)
        tokens = x.reshape(len(x), -1, x.shape[-1])
        mixed = both_ways(lambda name: Direction(*own, name=name), tokens, context)
        return Dense(x.shape[-1], end=True, name='output')(mixed, context).reshape(x.shape)
