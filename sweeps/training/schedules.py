"""Schedules: unit-peak functions of the step, so that the learning rate stays traced.

All rise in a straight line over the warm-up, but for one_cycle. `ablations/schedules.py` has their names.
"""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp

from ablations.schedules import SCHEDULES

KNOBS = {'schedule': 0.0, 'warmup_fraction': 0.1, 'warmup_steps': 0.0, 'final_fraction': 0.0, 'decay_fraction': 0.2}
"""Knobs of the schedule and their defaults. `warmup_steps` above 0 take the place of `warmup_fraction`."""


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


def _wsd(along: jax.Array, decay: jax.Array) -> jax.Array:
    """`decay`: the share of the way after the warm-up over which it falls."""
    return jnp.clip((1 - along) / jnp.maximum(decay, 1e-8), 0, 1)


ROUNDING = 1e-6
"""A step that stands at a threshold has passed it, however its share of the way is rounded."""
FALLS: dict[str, Callable[[jax.Array, jax.Array], jax.Array]] = {
    'cosine': lambda along, _: 0.5 * (1 + jnp.cos(jnp.pi * along)),
    'linear': lambda along, _: 1 - along,
    'constant': lambda along, _: jnp.ones_like(along),
    'wsd': _wsd,
    'root': lambda along, _: 1 - jnp.sqrt(along),
    'one_cycle': lambda along, _: 0.5 * (1 + jnp.cos(jnp.pi * along)),
    'step': lambda along, _: jnp.where(along < 0.5 - ROUNDING, 1.0, jnp.where(along < 0.75 - ROUNDING, 0.1, 0.01)),
}
"""What is left of the peak at a share of the way after the warm-up, from 0 to 1, before `final_fraction` is put below it."""


def rate(step: jax.Array, steps: int, knobs: Mapping[str, object]) -> jax.Array:
    """The learning rate of a step over its peak, by the KNOBS. Scalars in, scalar out.

    Without a choice of schedules, warm-up steps or a decay it is `warmup_cosine`, and the same program.

    >>> [round(float(rate(jnp.int32(step), 8, {**KNOBS, 'schedule': 3.0, 'warmup_fraction': 0.25})), 2) for step in range(8)]
    [0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.63]
    """
    code, warmup = knobs['schedule'], knobs['warmup_fraction']
    given = not isinstance(knobs['warmup_steps'], float) or knobs['warmup_steps'] > 0
    if isinstance(code, float) and code == 0 and not given:
        return warmup_cosine(step, steps, warmup, knobs['final_fraction'])
    if given:
        warmup = jnp.where(knobs['warmup_steps'] > 0, jnp.minimum(knobs['warmup_steps'] / steps, 1), warmup)
    fraction = step / steps
    along = jnp.clip((fraction - warmup) / jnp.maximum(1 - warmup, 1e-8), 0, 1)
    decay = knobs['decay_fraction'] / jnp.maximum(1 - warmup, 1e-8)
    number = jnp.asarray(code, jnp.float32)
    falls = [fall(along, decay) for fall in FALLS.values()]
    left = jnp.select([number == place for place in range(len(falls))], falls)
    rising = jnp.minimum((step + 1) / jnp.maximum(warmup * steps, 1), 1)
    rising = jnp.where(number == _CYCLE, 0.5 * (1 - jnp.cos(jnp.pi * rising)), rising)
    return jnp.where(fraction < warmup, rising, knobs['final_fraction'] + (1 - knobs['final_fraction']) * left)


_CYCLE = list(SCHEDULES).index('one_cycle')
