"""Dropout: weights of attention that are left out at random while training."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.context import Context

KNOBS = {'attention_dropout': 0.0}
"""Those of the mixers that leave weights out."""


def dropout(mixer: nn.Module, context: Context) -> Callable[[tuple[int, ...]], jax.Array] | None:
    """Random factors for attention's weights of a shape, each alone: 0 at the rate of the knob, else 1 / (1 - rate).

    None outside training, for a mixer without the knob in its `KNOBS`, and where the run sets none: then the program is the one
    without. The noise stream is that of `mixer`. GPT (Radford et al., 2018) has a rate of 0.1.
    """
    if not context.train or 'attention_dropout' not in mixer.KNOBS or 'attention_dropout' not in context.knobs:
        return None
    rate = jnp.asarray(context.knobs['attention_dropout'], jnp.float32)

    def factors(shape: tuple[int, ...]) -> jax.Array:
        stays = jax.random.uniform(mixer.make_rng('noise'), shape) >= rate
        # A rate of 1 drops everything: dividing by a small number instead of 0 keeps the gradients finite.
        return jnp.where(stays, 1 / jnp.maximum(1 - rate, 1e-6), 0.0)

    return factors
