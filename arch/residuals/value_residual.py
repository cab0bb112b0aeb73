"""Value residual: attention also reads the first block's values."""

import dataclasses

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Residual
from arch.branch import Branch
from arch.context import Context
from arch.residuals.stochastic_depth import stochastic_depth

Stream = tuple[jax.Array, jax.Array | None]
"""The stream: the running array, and the first block's values once there are some."""


class ValueResidual(Residual):
    """ResFormer (2410.17897), learnable: pre-norm, and attention's values are scale_1 V + scale_2 V_first.

    `[..., C] -> [..., C]`. V are the block's own values and V_first those of the first block (of its stage in a hierarchical
    body), which has them alone. Both scales start at `initial`; the knob `value_residual_initial` replaces it.
    """

    KNOBS = {'drop_path': 0.0, 'value_residual_initial': 'initial'}
    STREAMS = True
    NEEDS = ('values',)
    SCANS = False

    initial: float = 0.5

    @nn.nowrap
    def enter(self, x: jax.Array) -> Stream:
        return x, None

    @nn.nowrap
    def leave(self, stream: Stream, context: Context, name: str) -> jax.Array:
        return stream[0]

    @nn.compact
    def __call__(self, stream: Stream, branch: Branch, context: Context) -> Stream:
        x, first = stream
        seen = []

        def values(own: jax.Array) -> jax.Array:
            # Only a mixer calls this: the scales are made here, so that a channel branch has none.
            seen.append(own)
            if first is None:
                return own
            initial = context.knob('value_residual_initial', self.initial)
            scale = self.param('scale', lambda key: initial * jnp.ones((2,), jnp.float32)).astype(own.dtype)
            return scale[0] * own + scale[1] * first

        y = branch(x, dataclasses.replace(context, values=values))
        return x + stochastic_depth(self, y, context), seen[0] if first is None and seen else first
