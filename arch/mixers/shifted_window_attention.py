"""Shifted-window attention: every position looks at its window, and windows move from block to block."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context
from arch.make import divides, positive
from arch.mixers.continuous_position_bias import ContinuousPositionBias
from arch.mixers.dropout import KNOBS, dropout
from arch.mixers.projections import check_heads, join, project
from arch.model_sockets import Sockets
from arch.ops.places import places
from arch.ops.softmax import softmax

KIND = 'shifted_window_attention'
TRUNCATED = nn.initializers.truncated_normal(0.02)
SCORES = ('dot', 'cosine')
POSITION_BIASES = ('table', 'network')
FIRST, HIGHEST = math.log(10), math.log(100)
"""The logarithm of the factor of cosines: where it starts, and what it is at most (2111.09883)."""


def partition(x: jax.Array, side: int) -> jax.Array:
    """The windows of `side` a side, row by row: [B, H, W, ...] to [B, windows, side * side, ...]."""
    batch, height, width, *rest = x.shape
    cut = x.reshape(batch, height // side, side, width // side, side, *rest)
    return jnp.swapaxes(cut, 2, 3).reshape(batch, -1, side * side, *rest)


def departition(windows: jax.Array, side: int, spatial: tuple[int, int]) -> jax.Array:
    """The inverse of `partition`: the map [B, H, W, ...]."""
    (height, width), (batch, _, _, *rest) = spatial, windows.shape
    cut = windows.reshape(batch, height // side, width // side, side, side, *rest)
    return jnp.swapaxes(cut, 2, 3).reshape(batch, height, width, *rest)


def padded(spatial: tuple[int, ...], side: int) -> tuple[int, ...]:
    """The smallest map of whole windows that holds a map.

    >>> padded((8, 9), 4)
    (8, 12)
    """
    return tuple(-(-length // side) * side for length in spatial)


def together(spatial: tuple[int, int], side: int, shift: int) -> np.ndarray:
    """Which positions of each window see each other, where the padded map is turned by `shift`: [windows, n, n].

    A position sees those that stood beside it before, not those from the other edge, and never the padding.
    """
    rows, columns = (labels(length, side, shift) for length in spatial)
    region = 3 * rows[:, None] + columns[None, :]
    cut = region.reshape(len(rows) // side, side, len(columns) // side, side).swapaxes(1, 2).reshape(-1, side * side)
    return cut[:, :, None] == cut[:, None, :]


def labels(length: int, side: int, shift: int) -> np.ndarray:
    """What stands at each row of a map that is padded, then turned: 0 a row, 1 one from the other edge, 2 padding.

    >>> labels(length=5, side=4, shift=2).tolist()
    [0, 0, 0, 2, 2, 2, 1, 1]
    """
    (whole,) = padded((length,), side)
    at = np.arange(whole)
    return np.where((at + shift) % whole >= length, 2, at >= whole - shift)


def unit(x: jax.Array) -> jax.Array:
    """Vectors of length 1 on the last axis, zeros where they are zeros."""
    wide = x.astype(jnp.float32)
    return (wide * jax.lax.rsqrt(jnp.maximum(jnp.square(wide).sum(-1, keepdims=True), 1e-24))).astype(x.dtype)


def bias_rows(side: int, window: int) -> np.ndarray:
    """Which row of a bias table for `window` holds the offset of each query to each key of a window: [n, n].

    >>> bias_rows(side=1, window=2).tolist()
    [[4]]
    """
    where = places((side, side))
    rows, columns = np.moveaxis(where[:, None] - where[None, :] + window - 1, -1, 0)
    return rows * (2 * window - 1) + columns


class ShiftedWindowAttention(Mixer):
    """Shifted-window attention (Swin, 2103.14030): softmax(Q K^T / sqrt(D) + bias) V inside windows, per head.

    `[B, H, W, C] -> [B, H, W, C]`
    A window has `window` positions a side, a head `head_size` channels. In blocks of odd number (counted from 0 over the
    whole body, so a stage should have an even number of blocks) the map is first turned by window // 2 rows and columns, and
    what was not a neighbour before is not seen. Where the shorter side of the map is at most `window`, windows have that side
    and nothing is turned. A map that windows do not divide is padded below and on the right, before it is turned. No position
    sees the padding: windows at the edges are smaller. (The references let it take weight, so their numbers are others there.)

    `scores`: 'dot', as above, or 'cosine' (Swin V2, 2111.09883): cos(Q, K) exp(min(scale, log 100)) + bias, with a learned
    `scale` [K] that starts at log 10. `bias`: 'table' has a number per head for every step from key to query, `bias`
    [(2 window - 1)^2, K], rows first, the most negative steps first; in a smaller map its rows for longer steps are not used.
    'network' computes them from the steps (arch/mixers/continuous_position_bias.py), which are measured in windows of
    `pretrained_window` a side, 0: in those that there are. `biases` and the knob `attention_dropout`: as in attention. Raises
    ValueError where `head_size` does not divide C.
    """

    FITS = ('hierarchical', 'isotropic', 'bidirectional', 'maps')
    TAKES = ('qk_norm', 'values')
    KNOBS = KNOBS

    sockets: Sockets
    head_size: int = 8
    window: int = 4
    biases: str = 'needed'
    scores: str = 'dot'
    bias: str = 'table'
    pretrained_window: int = 0

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        name = f"mixer '{KIND}'"
        positive(name, window=self.window)
        divides(name, 'head_size', self.head_size, 'width', width)
        check_heads(KIND, width, width // self.head_size, self.biases)
        for field, value, allowed in (('scores', self.scores, SCORES), ('bias', self.bias, POSITION_BIASES)):
            if value not in allowed:
                raise ValueError(f'{name}: {field}={value!r}; allowed: {list(allowed)}; change {field}')
        if self.pretrained_window < 0 or self.pretrained_window == 1:
            raise ValueError(
                f'{name}: pretrained_window={self.pretrained_window}; allowed: 0 for the windows that there are, or from 2 on, '
                'since a window of 1 has no steps; change pretrained_window'
            )
        if self.pretrained_window and self.bias != 'network':
            raise ValueError(
                f'{name}: pretrained_window={self.pretrained_window} with bias={self.bias!r}, which has no use for it; '
                "allowed: 0, or bias='network'; change one of them"
            )

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        spatial, heads = x.shape[1:-1], x.shape[-1] // self.head_size
        side = min(self.window, *spatial)
        shift = self.window // 2 if min(spatial) > self.window else 0
        whole = padded(spatial, side)

        parts = jnp.stack(project(self.sockets, x, heads, heads, self.biases, context), -1)
        parts = parts.reshape(len(x), *spatial, *parts.shape[2:])
        if whole != spatial:
            below, right = (full - own for full, own in zip(whole, spatial, strict=True))
            parts = jnp.pad(parts, ((0, 0), (0, below), (0, right), (0, 0), (0, 0), (0, 0)))
        odd = context.layer % 2
        if shift:
            parts = jnp.roll(parts, (-shift * odd, -shift * odd), (1, 2))
        query, key, value = jnp.moveaxis(partition(parts, side), -1, 0)

        scores = self.met(query, key) + self.added(side, heads, context)[None, None]
        if shift or whole != spatial:
            plain, turned = (jnp.asarray(together(spatial, side, by)) for by in (0, shift))
            scores = jnp.where(jnp.where(odd == 0, plain, turned)[None, :, None], scores, -jnp.inf)
        weights, factors = softmax(scores), dropout(self, context)
        weights = (weights if factors is None else weights * factors(weights.shape)).astype(value.dtype)
        mixed = departition(jnp.einsum('bwknm,bwmkd->bwnkd', weights, value), side, whole)
        if shift:
            mixed = jnp.roll(mixed, (shift * odd, shift * odd), (1, 2))
        return join(x, mixed[:, : spatial[0], : spatial[1]], self.biases, context)

    @nn.nowrap
    def met(self, query: jax.Array, key: jax.Array) -> jax.Array:
        """The scores of queries and keys [B, windows, n, K, D] without what is added: [B, windows, K, n, n]."""
        if self.scores == 'dot':
            return jnp.einsum('bwnkd,bwmkd->bwknm', query, key).astype(jnp.float32) / math.sqrt(self.head_size)
        scale = self.param('scale', nn.initializers.constant(FIRST), (query.shape[-2],), jnp.float32)
        cosines = jnp.einsum('bwnkd,bwmkd->bwknm', unit(query), unit(key)).astype(jnp.float32)
        return cosines * jnp.exp(jnp.minimum(scale, HIGHEST))[None, None, :, None, None]

    @nn.nowrap
    def added(self, side: int, heads: int, context: Context) -> jax.Array:
        """What is added to the scores of each query and key of a window: [K, n, n]."""
        if self.bias == 'network':
            network = ContinuousPositionBias(heads, name='position_bias')
            return jnp.moveaxis(network(side, self.pretrained_window or side, context)[bias_rows(side, side)], -1, 0)
        table = self.param('bias', TRUNCATED, ((2 * self.window - 1) ** 2, heads), jnp.float32)
        return jnp.moveaxis(table[bias_rows(side, self.window)], -1, 0)
