"""Stochastic depth: whole branches are dropped at random while training."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.context import Context


def stochastic_depth(module: nn.Module, branch: jax.Array, context: Context) -> jax.Array:
    """Drop the branch of an example with probability place * drop_path, and scale the others up (1603.09382).

    `[B, ..., C] -> [B, ..., C]`. The traced rate is the knob `drop_path`; `place` is the relative depth, 0 at the first block
    and 1 at the last. The noise stream is that of `module`, the calling residual rule.
    """
    if not context.train or 'drop_path' not in context.knobs:
        return branch
    rate = jnp.asarray(context.place * context.knobs['drop_path'], jnp.float32)
    shape = (len(branch),) + (1,) * (branch.ndim - 1)
    survives = jax.random.uniform(module.make_rng('noise'), shape) >= rate
    # A rate of 1 drops everything: dividing by a small number instead of 0 keeps its gradients finite.
    return jnp.where(survives, branch / jnp.maximum(1 - rate, 1e-6).astype(branch.dtype), 0)
