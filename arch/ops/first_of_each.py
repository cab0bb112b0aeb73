"""First of each: where in a row of numbers each of them stands for the first time."""

import jax
import jax.numpy as jnp


def first_of_each(numbers: jax.Array) -> jax.Array:
    """Whether no earlier number of its row is the same: `[B, N]` to bool `[B, N]`.

    >>> first_of_each(jnp.array([[3, 1, 3, 3, 1, 2]])).tolist()
    [[True, True, False, False, False, True]]
    """
    order = jnp.argsort(numbers, axis=-1, stable=True)
    rows = jnp.arange(len(numbers))[:, None]
    ordered = numbers[rows, order]
    new = jnp.concatenate([jnp.ones((len(numbers), 1), bool), ordered[:, 1:] != ordered[:, :-1]], 1)
    return jnp.zeros(numbers.shape, bool).at[rows, order].set(new, unique_indices=True)
