"""Fixup: a residual rule without norms, by first values that keep a deep stream as large as a shallow one."""

import dataclasses

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Residual
from arch.branch import Branch
from arch.context import Context
from arch.residuals.stochastic_depth import stochastic_depth


class Fixup(Residual):
    """Fixup (1901.09321): x + gain after(before(x + shift)) + bias, scalars that start at 1, 0, 0.

    `[..., C] -> [..., C]`. For branches of two products, the last one starts at 0 and the others M^(-1/2) times as large, M the
    residual branches of the body; queries and keys are excepted. The paper has a bias before every product and a head that
    starts at 0; here the block's own biases stand for these, and the head starts as `initial` says. For no norm at all swap the
    norm of head and stem for identity too.
    """

    KNOBS = {'drop_path': 0.0}

    @nn.compact
    def __call__(self, x: jax.Array, branch: Branch, context: Context) -> jax.Array:
        gain = self.param('gain', nn.initializers.ones, (), jnp.float32)
        shift, bias = (self.param(name, nn.initializers.zeros, (), jnp.float32) for name in ('shift', 'bias'))
        initial = dataclasses.replace(context.initial, branch_end='zero')
        inside = dataclasses.replace(context, branch_scale=context.branches**-0.5, initial=initial)
        y = gain.astype(x.dtype) * branch.bare(x + shift.astype(x.dtype), inside) + bias.astype(x.dtype)
        return x + stochastic_depth(self, y, context)
