"""DeepNorm: a residual rule for very deep models with the norm after the sum."""

import dataclasses

import jax
from flax import linen as nn

from arch.block import Residual
from arch.branch import Branch
from arch.context import Context
from arch.residuals.stochastic_depth import stochastic_depth


class DeepNorm(Residual):
    """DeepNorm (2203.00555): norm(alpha x + after(before(x))), alpha = M^(1/4) for M residual branches in the body.

    `[..., C] -> [..., C]`. The branch's kernels start (4M)^(-1/4) times as large, those of queries and keys excepted. With
    two branches in each of N layers these are the paper's numbers for an encoder or a decoder alone, (2N)^(1/4) and
    (8N)^(-1/4). Its paper starts kernels as initial 'glorot_normal' does.
    """

    KNOBS = {'drop_path': 0.0}

    @nn.compact
    def __call__(self, x: jax.Array, branch: Branch, context: Context) -> jax.Array:
        scaled = dataclasses.replace(context, branch_scale=(4 * context.branches) ** -0.25)
        y = stochastic_depth(self, branch.bare(x, scaled), context)
        return branch.norm(context.branches**0.25 * x + y, context)
