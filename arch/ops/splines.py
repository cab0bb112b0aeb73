"""Splines: cubic B-splines on an even grid."""

import jax
import jax.numpy as jnp


def bumps(x: jax.Array, low: float, high: float, intervals: int) -> jax.Array:
    """The values of all cubic B-splines of a grid from `low` to `high`: `[...] -> [..., intervals + 3]`.

    Inside the grid they add up to 1; beyond it they fade to 0 within three intervals.

    >>> bumps(jnp.asarray([0.0, 0.5]), -1.0, 1.0, 4).sum(-1).tolist()
    [1.0, 1.0]
    """
    step = (high - low) / intervals
    centres = low + step * (jnp.arange(intervals + 3, dtype=x.dtype) - 1)
    far = jnp.abs((x[..., None] - centres.reshape((1,) * x.ndim + (-1,))) / step)
    near, edge = (4 - 6 * far**2 + 3 * far**3) / 6, (2 - far) ** 3 / 6
    return jnp.where(far < 1, near, jnp.where(far < 2, edge, 0))
