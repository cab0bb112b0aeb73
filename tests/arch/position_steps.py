"""Stepped: the step of a generating mixer, taken from the first position to the last; what chunks are compared with."""

from collections.abc import Callable

import jax
import jax.numpy as jnp


def stepped(step: Callable, first: jax.Array, *parts: jax.Array | None) -> jax.Array:
    """What `step(state, parts of one position)` tells at every position, from the state `first` on: `[B, N, ...]`."""
    at = tuple(None if part is None else jnp.moveaxis(part, 1, 0) for part in parts)
    return jnp.moveaxis(jax.lax.scan(step, first, at)[1], 0, 1)
