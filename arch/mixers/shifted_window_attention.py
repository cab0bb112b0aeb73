"""Shifted-window attention: every position looks at its window, and windows move from block to block."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context
from arch.make import divides, positive
from arch.mixers.projections import check_heads, join, project
from arch.model_sockets import Sockets
from arch.ops.places import places
from arch.ops.softmax import softmax

KIND = 'shifted_window_attention'
TRUNCATED = nn.initializers.truncated_normal(0.02)


def window_of(spatial: tuple[int, ...], window: int) -> int:
    """The side of the windows of a map: `window`, or the map's shorter side where that is no longer than `window`.

    >>> window_of((8, 12), 4), window_of((2, 4), 4)
    (4, 2)

    Raises ValueError where it does not divide both sides of the map.
    """
    side = min(window, *spatial)
    if any(length % side for length in spatial):
        common = math.gcd(*spatial)
        allowed = [size for size in range(1, common + 1) if common % size == 0]
        raise ValueError(
            f"mixer '{KIND}': window={window} makes windows of {side} a side, which do not divide the map "
            f'{list(spatial)}; allowed: {allowed}; change window, or the size of the map by the stem'
        )
    return side


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


def together(spatial: tuple[int, int], side: int, shift: int) -> np.ndarray:
    """Which positions of each window of a shifted map were neighbours before the shift: [windows, n, n]."""
    # After the shift the last `shift` rows and columns come from the other edge of the map.
    wrapped = [np.arange(length) >= length - shift for length in spatial]
    region = 2 * wrapped[0][:, None] + wrapped[1][None, :]
    height, width = spatial
    cut = region.reshape(height // side, side, width // side, side).swapaxes(1, 2).reshape(-1, side * side)
    return cut[:, :, None] == cut[:, None, :]


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
    what was not a neighbour before is not seen. `bias` [(2 window - 1)^2, K] holds a number per head for every step from key
    to query, rows first, the most negative steps first. Where the shorter side of the map is at most `window`, windows have
    that side and nothing is turned; the table keeps its size, and its rows for longer steps are not used. `biases`: as in
    attention. Raises ValueError where `head_size` does not divide C, or windows do not divide the map (it is not padded).
    """

    FITS = ('hierarchical', 'isotropic', 'bidirectional', 'maps')
    TAKES = ('qk_norm', 'values')

    sockets: Sockets
    head_size: int = 8
    window: int = 4
    biases: str = 'needed'

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        positive(f"mixer '{KIND}'", window=self.window)
        divides(f"mixer '{KIND}'", 'head_size', self.head_size, 'width', width)
        check_heads(KIND, width, width // self.head_size, self.biases)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        spatial, heads = x.shape[1:-1], x.shape[-1] // self.head_size
        side = window_of(spatial, self.window)
        shift = self.window // 2 if min(spatial) > self.window else 0
        table = self.param('bias', TRUNCATED, ((2 * self.window - 1) ** 2, heads), jnp.float32)
        bias = jnp.moveaxis(table[bias_rows(side, self.window)], -1, 0)

        parts = jnp.stack(project(self.sockets, x, heads, heads, self.biases, context), -1)
        parts = parts.reshape(len(x), *spatial, *parts.shape[2:])
        odd = context.layer % 2
        if shift:
            parts = jnp.roll(parts, (-shift * odd, -shift * odd), (1, 2))
        query, key, value = jnp.moveaxis(partition(parts, side), -1, 0)

        scores = jnp.einsum('bwnkd,bwmkd->bwknm', query, key).astype(jnp.float32) / math.sqrt(self.head_size)
        scores = scores + bias[None, None]
        if shift:
            seen = jnp.asarray(together(spatial, side, shift)) | (odd == 0)
            scores = jnp.where(seen[None, :, None], scores, -jnp.inf)
        weights = softmax(scores).astype(value.dtype)
        mixed = departition(jnp.einsum('bwknm,bwmkd->bwnkd', weights, value), side, spatial)
        if shift:
            mixed = jnp.roll(mixed, (shift * odd, shift * odd), (1, 2))
        return join(x, mixed, self.biases, context)
