"""Depth-weighted average: after each block, a learned sum of all block outputs."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Residual
from arch.branch import Branch
from arch.context import Context
from arch.make import positive
from arch.residuals.stochastic_depth import stochastic_depth

Stream = tuple[jax.Array, tuple[jax.Array, ...]]
"""The stream: the running array, and the input and each block's output before averaging."""


class DepthWeightedAverage(Residual):
    """DenseFormer (2402.02622): pre-norm within a block, then sum_j scale_j X_j over what entered, X_0, and blocks 1 to i.

    `[..., C] -> [..., C]`. X_i is what block i gives, before its own average. scale starts at 1 for i and at 0 for others.
    Only every `period`-th block is followed by an average, and it takes every `dilation`-th X, counted back from its own.
    Raises ValueError where one of the two is not above 0.
    """

    KNOBS = {'drop_path': 0.0}
    STREAMS = True
    SCANS = False

    dilation: int = 1
    period: int = 1
    closing: bool = True

    @nn.nowrap
    def enter(self, x: jax.Array) -> Stream:
        positive("residual 'depth_weighted_average'", dilation=self.dilation, period=self.period)
        return x, (x,)

    @nn.nowrap
    def leave(self, stream: Stream, context: Context, name: str) -> jax.Array:
        return stream[0]

    @nn.compact
    def __call__(self, stream: Stream, branch: Branch, context: Context) -> Stream:
        x, outputs = stream
        x = x + stochastic_depth(self, branch(x, context), context)
        if not self.closing:
            return x, outputs
        outputs = (*outputs, x)
        block = len(outputs) - 1
        if block % self.period == 0:
            chosen = jnp.stack(outputs[block % self.dilation :: self.dilation])
            scale = self.param('scale', lambda key: jnp.zeros((len(chosen),), jnp.float32).at[-1].set(1.0))
            x = jnp.einsum('l,l...c->...c', scale.astype(x.dtype), chosen)
        return x, outputs
