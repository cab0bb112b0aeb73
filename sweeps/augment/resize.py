"""Resizing of a window of an image: two matrix products, one along each axis."""

import jax
import jax.numpy as jnp


def _bilinear(distance: jax.Array) -> jax.Array:
    return jnp.maximum(1 - jnp.abs(distance), 0)


def _bicubic(distance: jax.Array) -> jax.Array:
    """Cubic convolution with a = -1/2 (Keys 1981)."""
    d = jnp.abs(distance)
    near = (1.5 * d - 2.5) * d * d + 1
    far = ((-0.5 * d + 2.5) * d - 4) * d + 2
    return jnp.where(d < 1, near, jnp.where(d < 2, far, 0))


FILTERS = {'bilinear': _bilinear, 'bicubic': _bicubic}


def resize_weights(start: jax.Array, length: jax.Array, source: int, size: int, interpolation: str) -> jax.Array:
    """Weights of `source` pixels in `size` pixels that cover those from `start` on, `length` of them. `[size, source]`

    Pixels are squares, their values stand in the middle. If the window shrinks, the filter grows with it, and each pixel counts
    (anti-aliasing); nothing outside the window counts. Rows sum to one. `start` and `length` may be traced.
    """
    step = length / size
    centre = start + (jnp.arange(size) + 0.5) * step
    pixel = jnp.arange(source)
    weights = FILTERS[interpolation]((pixel + 0.5 - centre[:, None]) / jnp.maximum(step, 1))
    weights = jnp.where((pixel >= start) & (pixel < start + length), weights, 0)
    return weights / weights.sum(1, keepdims=True)


def resize_window(
    x: jax.Array,
    top: jax.Array,
    left: jax.Array,
    height: jax.Array,
    width: jax.Array,
    size: tuple[int, int],
    interpolation: str = 'bilinear',
) -> jax.Array:
    """The window at `top`, `left` of `height` x `width` pixels, as an image of `size`. `[H, W, C] -> [*size, C]`"""
    rows = resize_weights(top, height, x.shape[0], size[0], interpolation)
    columns = resize_weights(left, width, x.shape[1], size[1], interpolation)
    # Full precision on all platforms: pixels are not what to save bits on, and weights of one must copy exactly.
    x = jnp.einsum('oh,hwc->owc', rows, x, precision='highest')
    x = jnp.einsum('pw,owc->opc', columns, x, precision='highest')
    return jnp.clip(x, 0, 1) if interpolation == 'bicubic' else x
