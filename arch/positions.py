"""Positions: tell a model where a token is. `(x, context)` on the stem's output; and for some a rule for attention.

A position block returns x with what it adds, `[B, N, C] -> [B, N, C]` or `[B, H, W, C] -> [B, H, W, C]`. One with a method
`rotation` also turns queries and keys inside every attention; one with `score_bias` adds to its scores.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from arch.block import Position
from arch.context import Context
from arch.filters import Filters
from arch.make import positive
from arch.ops.places import places
from arch.window import check_window


class NoPosition(Position):
    """No position: y = x.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    """

    GENERATES = True

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        return x


class Learned(Position):
    """A learned table (1706.03762, 2010.11929): x + embedding[position], for at most `length` positions.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    The first `spared` positions are told nothing and do not count, as of class and register tokens in DeiT III
    (2204.07118). Raises ValueError where the input has more positions than the table.
    """

    GENERATES = True

    length: int = 64
    spared: int = 0

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("position 'learned'", length=self.length)
        spatial, channels = x.shape[1:-1] if context.past is None else (context.past.length,), x.shape[-1]
        count = math.prod(spatial) - self.spared
        if self.spared < 0 or count < 1:
            raise ValueError(
                f"position 'learned': spared={self.spared} on an input of {count + self.spared} positions; allowed: 0 (none) "
                'to one less than these; change spared'
            )
        if count > self.length:
            raise ValueError(
                f"position 'learned': the input has {count} positions, the table length={self.length}; "
                f'give length={count} or a shorter input'
            )
        table = self.param('embedding', nn.initializers.normal(0.02), (self.length, channels), jnp.float32)
        rows = jnp.pad(table[:count], ((self.spared, 0), (0, 0)))
        if context.past is not None:
            return x + context.past.row(rows).astype(x.dtype)
        return x + rows.reshape(1, *spatial, channels).astype(x.dtype)


class Sinusoidal(Position):
    """Fixed waves (1706.03762): x + [sin(position speed_i), cos(position speed_i), ...], speed_i = base^(-2i/C).

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    On maps the first half of the channels is told the row, the second the column, each with C/2 for C. Raises ValueError
    for channels that do not split into such pairs.
    """

    GENERATES = True

    base: float = 10000.0

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("position 'sinusoidal'", base=self.base)
        spatial, channels = x.shape[1:-1] if context.past is None else (context.past.length,), x.shape[-1]
        if channels % (2 * len(spatial)):
            raise ValueError(
                f"position 'sinusoidal': width={channels} does not split into {2 * len(spatial)} equal parts; "
                f'allowed: multiples of {2 * len(spatial)}; change width'
            )
        pairs = channels // 2 // len(spatial)
        angles = places(spatial)[:, :, None] * self.base ** (-np.arange(pairs) / pairs)
        waves = np.stack([np.sin(angles), np.cos(angles)], -1)
        if context.past is not None:
            return x + context.past.row(jnp.asarray(waves.reshape(-1, channels), x.dtype))
        return x + jnp.asarray(waves.reshape(1, *spatial, channels), x.dtype)


STRETCHES = ('places', 'base', 'yarn')
SLOW, QUICK = 1.0, 32.0
"""Pairs that turn less often than SLOW over the length of training are stretched in full by YaRN, from QUICK on not at all."""


class Rotary(Position):
    """Rotary positions (2104.09864): pairs of query and key channels turn by position * base^(-2i/D).

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    On maps the first half of the pairs turns by the row, the second by the column. `share`: the share of the channels that
    turn, the first ones (GPT-J, GPT-NeoX, 2204.06745). `stretch`: how many times longer inputs are meant than those of
    training, by one of three ways. With `stretched` = 'places' positions are divided by it, so that they turn as far
    (2306.15595). With 'base' the base of D channels is multiplied by stretch^(D / (D - 2)), so that the slowest pair turns as
    far and the quickest as before (NTK-aware, 2309.00071). With 'yarn' (2309.00071) a pair that turns r times over `length`,
    the length of training, turns by angle (1 - g) / stretch + angle g with g = (r - 1) / 31 between 0 and 1, and queries and
    keys are multiplied by 0.1 ln(stretch) + 1. Raises ValueError for a head size that does not split into such pairs.
    """

    NEEDS = ('rotate',)
    GENERATES = True

    base: float = 10000.0
    share: float = 1.0
    stretch: float = 1.0
    stretched: str = 'places'
    length: int = 64

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        sizes = {'base': self.base, 'share': self.share, 'stretch': self.stretch, 'length': self.length}
        positive("position 'rotary'", **sizes)
        if self.stretched not in STRETCHES:
            raise ValueError(f"position 'rotary': stretched={self.stretched!r}; allowed: {list(STRETCHES)}; change stretched")

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        return x

    @nn.nowrap
    def rotation(self, x: jax.Array, spatial: tuple[int, ...]) -> jax.Array:
        """Turn queries or keys: `[B, N, K, D] -> [B, N, K, D]`, N the flattened `spatial` axes."""
        size = round(self.share * x.shape[-1])
        if not 0 < size <= x.shape[-1] or size % (2 * len(spatial)):
            part = '' if self.share == 1 else f', of which share={self.share:g} is {size}'
            raise ValueError(
                f"position 'rotary': the head size {x.shape[-1]}{part} does not split into {2 * len(spatial)} equal parts; "
                f'allowed: multiples of {2 * len(spatial)}; change heads, width or share'
            )
        turns, factor = self.turns(size // 2 // len(spatial))
        x = x if factor == 1 else factor * x
        x, still = x[..., :size], x[..., size:]
        angles = (places(spatial)[:, :, None] * turns).reshape(1, math.prod(spatial), 1, -1)
        cos, sin = jnp.asarray(np.cos(angles), x.dtype), jnp.asarray(np.sin(angles), x.dtype)
        first, second = jnp.split(x, 2, axis=-1)
        return jnp.concatenate([first * cos - second * sin, first * sin + second * cos, still], axis=-1)

    @nn.nowrap
    def turns(self, pairs: int) -> tuple[np.ndarray, float]:
        """The angle of each pair from one position to the next, and the factor of queries and keys.

        >>> Rotary(base=100.0, stretch=2.0).turns(2)[0].tolist()
        [0.5, 0.05]
        >>> Rotary(base=100.0, stretch=2.0, stretched='base').turns(2)[0].tolist()
        [1.0, 0.05]
        """
        base = self.base
        if self.stretched == 'base' and pairs > 1:
            base *= self.stretch ** (pairs / (pairs - 1))
        turns = base ** (-np.arange(pairs) / pairs)
        if self.stretched == 'base':
            return turns, 1.0
        if self.stretched == 'places':
            return turns / self.stretch, 1.0
        often = self.length * turns / (2 * np.pi)
        quick = np.clip((often - SLOW) / (QUICK - SLOW), 0, 1)
        return (1 - quick) * turns / self.stretch + quick * turns, 0.1 * math.log(max(self.stretch, 1.0)) + 1


def slopes(heads: int) -> np.ndarray:
    """A slope for each head: 2^(-8 i / K) for i = 1 ... K where K is a power of two.

    For other numbers: those of the power below, then every second one of the power above, as many as are left (2108.12409).

    >>> slopes(4).tolist()
    [0.25, 0.0625, 0.015625, 0.00390625]
    """
    below = 2 ** (heads.bit_length() - 1)
    first = 2.0 ** (-8 * np.arange(1, below + 1) / below)
    between = 2.0 ** (-4 * np.arange(1, 2 * below, 2) / below)
    return np.concatenate([first, between[: heads - below]])


class Alibi(Position):
    """Attention with linear biases (2108.12409): each head's scores less its slope times the distance of query and key.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    x is unchanged. The slopes are the paper's geometric sequence. The distance is the number of steps; on maps it is
    Euclidean (2311.00566).
    """

    NEEDS = ('bias',)
    GENERATES = True

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        return x

    @nn.nowrap
    def score_bias(self, steps: np.ndarray, heads: int) -> jax.Array:
        """What is added to the scores, by the steps from query to key: `[..., 1 or 2] -> [K, ...]`."""
        distance = np.sqrt(np.square(steps).sum(-1))
        return jnp.asarray(-np.multiply.outer(slopes(heads), distance), jnp.float32)


class Convolutional(Position):
    """Conditional positional encoding (2102.10882): x + depthwise(x), one filter of `kernel` taps a side per channel.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    The zeros around the input tell a position where it is; in a causal body the filter looks back only. The paper has it
    after the first block, here it comes before. Raises ValueError for an even kernel outside a causal body.
    """

    GENERATES = True

    kernel: int = 3

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        check_window("position 'convolutional'", 'kernel', self.kernel, causal)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        return x + Filters(self.kernel, name='depthwise')(x, context)


POSITIONS = {
    'none': NoPosition,
    'learned': Learned,
    'sinusoidal': Sinusoidal,
    'rotary': Rotary,
    'alibi': Alibi,
    'convolutional': Convolutional,
}
