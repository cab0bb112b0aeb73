"""Rectangles of random area and shape, as random resized crop and random erasing draw them.

Draws are uniform numbers in [0, 1), all of an example made at once: each call of the generator takes time to compile.
"""

import jax
import jax.numpy as jnp

ATTEMPTS = 10


def draw_rectangle(
    draws: jax.Array,
    shape: tuple[int, int],
    area: tuple[jax.Array, jax.Array],
    ratio: tuple[float, float],
    largest: tuple[int, int],
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Height, width and whether they fit, of the first rectangle out of ten that is no larger than `largest`.

    `draws` are two for each attempt. The area is uniform in `area`, as a share of the image `shape`, and the logarithm of
    width over height uniform in the logarithms of `ratio`; both sides are rounded to whole pixels, at least one.
    """
    draws = draws.reshape(2, ATTEMPTS)
    pixels = (area[0] + draws[0] * (area[1] - area[0])) * (shape[0] * shape[1])
    low, high = jnp.log(jnp.asarray(ratio, jnp.float32))
    shapes = jnp.exp(low + draws[1] * (high - low))
    heights, widths = jnp.round(jnp.sqrt(pixels / shapes)), jnp.round(jnp.sqrt(pixels * shapes))
    fits = (heights > 0) & (widths > 0) & (heights <= largest[0]) & (widths <= largest[1])
    first = fits.argmax()
    return heights[first].astype(jnp.int32), widths[first].astype(jnp.int32), fits[first]


def place(draws: jax.Array, shape: tuple[int, int], height: jax.Array, width: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Top and left of a rectangle inside the image, all places equally likely, from two draws."""
    room = jnp.stack([shape[0] - height, shape[1] - width])
    top, left = jnp.floor(draws * (room + 1)).astype(jnp.int32)
    return top, left


def inside(shape: tuple[int, int], top: jax.Array, left: jax.Array, height: jax.Array, width: jax.Array) -> jax.Array:
    """True for the pixels of a rectangle. `[H, W]`"""
    rows, columns = jnp.arange(shape[0])[:, None], jnp.arange(shape[1])
    return (rows >= top) & (rows < top + height) & (columns >= left) & (columns < left + width)
