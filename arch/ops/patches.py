"""Patches: maps cut into squares."""

import jax


def patches(x: jax.Array, patch: int) -> jax.Array:
    """Cut maps into patches: `[B, H, W, C] -> [B, H/patch, W/patch, patch patch C]`, rows first, channels last.

    >>> import numpy as np
    >>> patches(np.arange(8).reshape(1, 2, 4, 1), 2).tolist()
    [[[[0, 1, 4, 5], [2, 3, 6, 7]]]]

    Raises ValueError where `patch` does not divide both sides.
    """
    batch, height, width, channels = x.shape
    if height % patch or width % patch:
        raise ValueError(
            f'patch={patch} does not divide the {height} x {width} map; allowed: common divisors of both; change patch'
        )
    x = x.reshape(batch, height // patch, patch, width // patch, patch, channels)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(batch, height // patch, width // patch, patch * patch * channels)
