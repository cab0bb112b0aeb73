"""Depthwise convolution as a sum of shifted copies of its input, with its own derivative.

XLA makes one loop of such a sum, which reads channels side by side: about seven multiply-adds a nanosecond on a CPU core. Its
own derivative of the sum would take a pass over the whole map for each tap.
"""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np

from arch.ops.padding import padding, strided
from arch.ops.wide import wide

TERMS = 64
"""How many positions of a map the gradient of a filter sums at a time: as many terms has the loop that XLA makes of them."""
TOGETHER = 16
"""The most examples that are summed at a time, so that repeatedly read arrays stay near the processor."""


def _padded(x: jax.Array, pads: list[tuple[int, int]]) -> jax.Array:
    return jnp.pad(x, [(0, 0), *pads, (0, 0)])


def _together(batch: int) -> int:
    """How many of the examples are summed at a time: at least two parts, since XLA unrolls a loop of one."""
    return max(count for count in range(1, min(TOGETHER, max(1, batch // 2)) + 1) if batch % count == 0)


def _sum(x: jax.Array, kernel: jax.Array, pads: list[tuple[int, int]], spatial: tuple[int, ...], stride: int = 1) -> jax.Array:
    """The sum of the shifted copies, each times its tap: `[B, H, W, C] -> [B, H/stride, W/stride, C]`, in the type of x.

    A loop over parts of the batch keeps XLA from joining it with what comes before and after, part by part, in other loops.
    """

    def part(padded: jax.Array) -> jax.Array:
        y = None
        for tap in np.ndindex(*kernel.shape[:-1]):
            window = tuple(slice(start, start + length, stride) for start, length in zip(tap, spatial, strict=True))
            term = wide(padded[(slice(None), *window)]) * wide(kernel[tap]).reshape((1,) * (padded.ndim - 1) + (-1,))
            y = term if y is None else y + term
        return y.astype(padded.dtype)

    padded, together = _padded(x, pads), _together(len(x))
    y = jax.lax.map(part, padded.reshape(len(x) // together, together, *padded.shape[1:]))
    return y.reshape(len(x), *y.shape[2:])


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def shifts(x: jax.Array, kernel: jax.Array, causal: bool, stride: int) -> jax.Array:
    """`depthwise` by shifted copies. Forward-mode derivatives are not defined."""
    pads = [padding(size, causal) for size in kernel.shape[:-1]]
    return _sum(x, kernel, pads, x.shape[1:-1], stride)


def _forward(x: jax.Array, kernel: jax.Array, causal: bool, stride: int) -> tuple[jax.Array, tuple]:
    return shifts(x, kernel, causal, stride), (x, kernel)


def _backward(causal: bool, stride: int, saved: tuple, slope: jax.Array) -> tuple[jax.Array, jax.Array]:
    x, kernel = saved
    spatial, sizes = x.shape[1:-1], kernel.shape[:-1]
    if stride > 1:  # the slope of every position, 0 where the stride leaves it out
        counts = strided(spatial, stride)
        gaps = [(0, length - 1 - (count - 1) * stride, stride - 1) for length, count in zip(spatial, counts, strict=True)]
        slope = jax.lax.pad(slope, jnp.zeros((), slope.dtype), [(0, 0, 0), *gaps, (0, 0, 0)])
    pads = [padding(size, causal) for size in sizes]
    turned = jnp.flip(kernel, tuple(range(len(sizes))))
    slope_x = _sum(slope, turned, [(after, before) for before, after in pads], spatial)
    return slope_x, _kernel_slope(x, slope, sizes, pads).astype(kernel.dtype)


def _kernel_slope(x: jax.Array, slope: jax.Array, sizes: tuple[int, ...], pads: list[tuple[int, int]]) -> jax.Array:
    """For each tap the sum of x times the slope at the position that the tap leads to: [*sizes, C].

    The map is cut into tiles of at most `TERMS` positions, and a loop goes over tiles and parts of the batch. The sums keep the
    axes of examples, taps and channels, so that the innermost loop is one over channels.
    """
    spatial, channels, batch = x.shape[1:-1], x.shape[-1], len(x)
    side = round(TERMS ** (1 / len(spatial)))
    tiles = tuple(-(-length // side) for length in spatial)
    tile = tuple(-(-length // count) for length, count in zip(spatial, tiles, strict=True))
    spare = [count * size - length for count, size, length in zip(tiles, tile, spatial, strict=True)]
    x = _padded(x, [(before, after + more) for (before, after), more in zip(pads, spare, strict=True)])
    slope = _padded(slope, [(0, more) for more in spare])
    together = _together(batch)
    starts = [(part, *np.multiply(place, tile)) for part in range(0, batch, together) for place in np.ndindex(*tiles)]
    starts = jnp.asarray(np.array(starts, np.int32))
    reach = tuple(size + taps - 1 for size, taps in zip(tile, sizes, strict=True))

    def add(number: jax.Array, total: jax.Array) -> jax.Array:
        start = (*starts[number], jnp.int32(0))
        under = wide(jax.lax.dynamic_slice(x, start, (together, *reach, channels)))
        here = wide(jax.lax.dynamic_slice(slope, start, (together, *tile, channels)))
        for place in np.ndindex(*tile):
            window = tuple(slice(first, first + taps) for first, taps in zip(place, sizes, strict=True))
            one = here[(slice(None), *place)].reshape(together, *(1,) * len(sizes), channels)
            total = total + under[(slice(None), *window)] * one
        return total

    total = jnp.zeros((together, *sizes, channels), wide(x[:0]).dtype)
    return jax.lax.fori_loop(0, math.prod((batch // together, *tiles)), add, total).sum(0)


shifts.defvjp(_forward, _backward)
