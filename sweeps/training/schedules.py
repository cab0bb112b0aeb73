"""Schedules: unit-peak functions of the fraction of training that is done, so that the learning rate stays traced."""

import jax
import jax.numpy as jnp

KNOBS = {'warmup_fraction': 0.1, 'final_fraction': 0.0}
"""Tunable values of the schedule and what they are where a study does not tune them."""


def warmup_cosine(fraction: jax.Array, warmup_fraction: jax.Array, final_fraction: jax.Array = 0.0) -> jax.Array:
    """Linear from 0 to 1 over the first `warmup_fraction` of training, then half a cosine (1608.03983) to `final_fraction`.

    `fraction` in [0, 1) is steps done / steps; scalars in, scalar out.
    """
    rising = fraction / jnp.maximum(warmup_fraction, 1e-8)
    along = (fraction - warmup_fraction) / jnp.maximum(1 - warmup_fraction, 1e-8)
    falling = 0.5 * (1 + jnp.cos(jnp.pi * along))
    return jnp.where(fraction < warmup_fraction, rising, final_fraction + (1 - final_fraction) * falling)
