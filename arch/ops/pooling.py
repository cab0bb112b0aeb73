"""Pooling: the maximum over windows."""

import jax
import jax.numpy as jnp
import numpy as np

from arch.ops.padding import padding, strided


def max_pool(x: jax.Array, window: int, stride: int) -> jax.Array:
    """The maximum over windows of `window` a side, keeping every `stride`-th: `[B, H, W, C] -> [B, H/stride, W/stride, C]`.

    Positions outside the map do not count. Sizes are rounded up.
    """
    height, width = x.shape[1:-1]
    rows, columns = strided((height, width), stride)
    low = jnp.finfo(x.dtype).min
    padded = jnp.pad(x, [(0, 0), padding(window, False), padding(window, False), (0, 0)], constant_values=low)
    y = None
    for i, j in np.ndindex(window, window):
        under = padded[:, i : i + height : stride, j : j + width : stride]
        y = under if y is None else jnp.maximum(y, under)
    return y.reshape(len(x), rows, columns, x.shape[-1])
