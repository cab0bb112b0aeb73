"""Wide: the type in which statistics and smooth functions are computed."""

import jax
import jax.numpy as jnp


def wide(x: jax.Array) -> jax.Array:
    """The numbers in float32, or in their own type where that is wider: `[...] -> [...]`."""
    return x if jnp.finfo(x.dtype).bits > 32 else x.astype(jnp.float32)
