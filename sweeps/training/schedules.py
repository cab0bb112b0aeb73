"""Schedules: unit-peak functions of the step, so that the learning rate stays traced."""

import jax
import jax.numpy as jnp

KNOBS = {'warmup_fraction': 0.1, 'final_fraction': 0.0}
"""Knobs of the schedule and their defaults."""


def warmup_cosine(step: jax.Array, steps: int, warmup_fraction: jax.Array, final_fraction: jax.Array = 0.0) -> jax.Array:
    """Linear over the first `warmup_fraction` of `steps`, then half a cosine (1608.03983) to `final_fraction`.

    `step` counts from 0. The first step moves already: of a warm-up of w steps, step s has (s + 1) / w. Scalars in, scalar out.

    >>> [round(float(warmup_cosine(step, 8, 0.5)), 2) for step in range(8)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 0.85, 0.5, 0.15]
    """
    fraction = step / steps
    rising = jnp.minimum((step + 1) / jnp.maximum(warmup_fraction * steps, 1), 1)
    along = (fraction - warmup_fraction) / jnp.maximum(1 - warmup_fraction, 1e-8)
    falling = 0.5 * (1 + jnp.cos(jnp.pi * along))
    return jnp.where(fraction < warmup_fraction, rising, final_fraction + (1 - final_fraction) * falling)
