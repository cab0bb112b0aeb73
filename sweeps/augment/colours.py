"""Changes of colour, light and sharpness of one image `[H, W, C]` in [0, 1].

Changes that are defined on 8-bit images (histograms, thresholds, bits) first round values to the nearest of 256 levels.
"""

import jax
import jax.numpy as jnp

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the grey of an image (ITU-R 601)."""


def levels(x: jax.Array) -> jax.Array:
    """Values as the nearest of 0 to 255, whole numbers."""
    return jnp.round(x * 255).astype(jnp.int32)


def grey(x: jax.Array) -> jax.Array:
    """The image without its colours. `[H, W, C] -> [H, W, 1]`

    Raises ValueError unless there are one or three channels.
    """
    if x.shape[-1] == 1:
        return x
    if x.shape[-1] != 3:
        raise ValueError(f'images of {x.shape[-1]} channels have no known grey; allowed: 1 or 3; leave changes of colour out')
    return (x * jnp.asarray(LUMA, x.dtype)).sum(-1, keepdims=True)


def blend(base: jax.Array, x: jax.Array, factor: jax.Array) -> jax.Array:
    """From `base` (factor 0) over `x` (factor 1, exactly) to beyond it, kept in [0, 1]."""
    return jnp.clip(factor * x + (1 - factor) * base, 0, 1)


def brightness(x: jax.Array, factor: jax.Array) -> jax.Array:
    """From black to the image and brighter."""
    return blend(jnp.zeros_like(x), x, factor)


def contrast(x: jax.Array, factor: jax.Array) -> jax.Array:
    """From an even grey of the image's mean to the image and more contrast."""
    return blend(grey(x).mean(), x, factor)


def saturation(x: jax.Array, factor: jax.Array) -> jax.Array:
    """From grey to the image and stronger colours; grey images stay."""
    return x if x.shape[-1] == 1 else blend(grey(x), x, factor)


def sharpness(x: jax.Array, factor: jax.Array) -> jax.Array:
    """From a smoothed image (3 x 3, the middle five times its neighbours) to the image and sharper; the border stays."""
    height, width, _ = x.shape
    if height < 3 or width < 3:
        return x
    total = sum(x[i : height - 2 + i, j : width - 2 + j] for i in range(3) for j in range(3))
    smooth = (total + 4 * x[1:-1, 1:-1]) / 13
    return x.at[1:-1, 1:-1].set(blend(smooth, x[1:-1, 1:-1], factor))


def hue(x: jax.Array, shift: jax.Array) -> jax.Array:
    """Hues turned by `shift` of a full circle, as in HSV; grey images stay."""
    if x.shape[-1] != 3:
        return x
    red, green, blue = x[..., 0], x[..., 1], x[..., 2]
    value, chroma = x.max(-1), x.max(-1) - x.min(-1)
    over = jnp.where(chroma > 0, chroma, 1)
    # Channels are compared with each other, not with their maximum: a compiler may work that out again and round otherwise.
    is_red = (red >= green) & (red >= blue)
    cooler = jnp.where(green >= blue, 2 + (blue - red) / over, 4 + (red - green) / over)
    sector = jnp.where(is_red, (green - blue) / over, cooler)
    place = (jnp.asarray([5.0, 3.0, 1.0]) + (sector + 6 * shift)[..., None]) % 6
    turned = value[..., None] - chroma[..., None] * jnp.clip(jnp.minimum(place, 4 - place), 0, 1)
    return jnp.where(shift == 0, x, turned)


def invert(x: jax.Array) -> jax.Array:
    """The negative."""
    return 1 - x


def solarize(x: jax.Array, threshold: jax.Array) -> jax.Array:
    """Values at or above a threshold in 0 to 256, inverted."""
    return jnp.where(levels(x) >= threshold, 1 - x, x)


def solarize_add(x: jax.Array, amount: jax.Array) -> jax.Array:
    """Values below 128, made brighter by an amount in 0 to 255."""
    return jnp.where(levels(x) < 128, jnp.minimum(x + amount / 255, 1), x)


def posterize(x: jax.Array, bits: jax.Array) -> jax.Array:
    """The upper `bits` of 8 bits."""
    dropped = jnp.left_shift(1, 8 - jnp.asarray(bits, jnp.int32))
    return (levels(x) // dropped * dropped) / 255


def autocontrast(x: jax.Array) -> jax.Array:
    """Each channel stretched from its least and greatest value to 0 and 1; an even channel stays."""
    low, high = x.min((0, 1)), x.max((0, 1))
    spread = high > low
    return jnp.where(spread, (x - low) / jnp.where(spread, high - low, 1), x)


def equalize(x: jax.Array) -> jax.Array:
    """The histogram of each channel, of 256 levels, made as even as a map of levels can (Pillow's rounding)."""
    value = levels(x)
    return jnp.stack([_evened(value[..., c]) for c in range(x.shape[-1])], -1) / 255


def _evened(value: jax.Array) -> jax.Array:
    counts = jnp.zeros(256, jnp.int32).at[value.reshape(-1)].add(1)
    brightest = counts[value.max()]
    step = (value.size - brightest) // 255
    below = jnp.cumsum(counts) - counts
    table = jnp.where(step > 0, jnp.minimum((step // 2 + below) // jnp.maximum(step, 1), 255), jnp.arange(256))
    return table[value]
