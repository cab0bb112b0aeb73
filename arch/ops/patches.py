"""Patches: maps cut into squares, and put together from them."""

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


def unpatched(x: jax.Array, patch: int) -> jax.Array:
    """Maps put together from patches, the reverse of `patches`: `[B, H, W, patch patch C] -> [B, H patch, W patch, C]`.

    >>> import numpy as np
    >>> unpatched(np.array([[[[0, 1, 4, 5], [2, 3, 6, 7]]]]), 2).reshape(2, 4).tolist()
    [[0, 1, 2, 3], [4, 5, 6, 7]]
    """
    batch, height, width, size = x.shape
    channels = size // patch**2
    x = x.reshape(batch, height, width, patch, patch, channels).transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(batch, height * patch, width * patch, channels)
