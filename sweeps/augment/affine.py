"""Affine maps of an image: shear, translation, rotation."""

import jax
import jax.numpy as jnp


def affine(x: jax.Array, matrix: jax.Array, fill: jax.Array) -> jax.Array:
    """The image whose pixel at (column, row) is that of `x` at matrix [2, 3] @ (column, row, 1). `[H, W, C] -> [H, W, C]`

    Coordinates count from the image's corner to the middle of a pixel. Values between pixels are bilinear, with the outermost
    pixels repeated. Pixels from outside the image are `fill` [C]. These are Pillow's conventions.
    """
    height, width, count = x.shape
    columns, rows = jnp.arange(width) + 0.5, jnp.arange(height)[:, None] + 0.5
    across, down = (m[0] * columns + m[1] * rows + m[2] for m in matrix)
    inside = (across >= 0) & (across < width) & (down >= 0) & (down < height)
    left, top = jnp.floor(across - 0.5), jnp.floor(down - 0.5)
    along, below = (across - 0.5 - left)[..., None], (down - 0.5 - top)[..., None]
    left, top = left.astype(jnp.int32), top.astype(jnp.int32)
    from_columns = jnp.clip(jnp.stack([left, left + 1, left, left + 1]), 0, width - 1)
    from_rows = jnp.clip(jnp.stack([top, top, top + 1, top + 1]), 0, height - 1)
    corners = jnp.take(x.reshape(height * width, count), from_rows * width + from_columns, axis=0, mode='clip')
    upper = corners[0] * (1 - along) + corners[1] * along
    lower = corners[2] * (1 - along) + corners[3] * along
    return jnp.where(inside[..., None], upper * (1 - below) + lower * below, fill)


def _matrix(*rows: tuple) -> jax.Array:
    return jnp.stack([jnp.stack([jnp.float32(value) for value in row]) for row in rows])


def shear_x(amount: jax.Array) -> jax.Array:
    """Columns move by `amount` times the row, from the upper left corner."""
    return _matrix((1, amount, 0), (0, 1, 0))


def shear_y(amount: jax.Array) -> jax.Array:
    """Rows move by `amount` times the column, from the upper left corner."""
    return _matrix((1, 0, 0), (amount, 1, 0))


def translate(across: jax.Array, down: jax.Array) -> jax.Array:
    """The image moves left and up by so many pixels."""
    return _matrix((1, 0, across), (0, 1, down))


def rotate(degrees: jax.Array, shape: tuple[int, int]) -> jax.Array:
    """The image turns counter-clockwise about its middle."""
    angle = jnp.deg2rad(degrees)
    cos, sin = jnp.cos(angle), jnp.sin(angle)
    row, column = shape[0] / 2, shape[1] / 2
    return _matrix((cos, -sin, column - cos * column + sin * row), (sin, cos, row - sin * column - cos * row))
