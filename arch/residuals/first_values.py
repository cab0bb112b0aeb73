"""First values: later mixers may blend their values with those of the first block."""

import dataclasses

import jax
from flax import linen as nn

from arch.block import Residual
from arch.branch import Branch
from arch.context import Context
from arch.residuals.stochastic_depth import stochastic_depth

Stream = tuple[jax.Array, tuple[jax.Array, ...] | None]
"""The stream: the running array, and the first block's values in the order of its calls, once there are some."""


class FirstValues(Residual):
    """Norm at the start of the branch, and the first block's values for the mixers that blend them (RWKV-7, 2503.14456).

    `[..., C] -> [..., C]`. It is 'pre' otherwise. How much of the first values a mixer takes is its own affair, while
    'value_residual' has a share that is the same for all tokens. The first block is that of its stage in a hierarchical body.
    """

    KNOBS = {'drop_path': 0.0}
    STREAMS = True
    NEEDS = ('first_values',)
    SCANS = False

    @nn.nowrap
    def enter(self, x: jax.Array) -> Stream:
        return x, None

    @nn.nowrap
    def leave(self, stream: Stream, context: Context, name: str) -> jax.Array:
        return stream[0]

    @nn.compact
    def __call__(self, stream: Stream, branch: Branch, context: Context) -> Stream:
        x, first = stream
        seen: list[jax.Array] = []

        def first_values(own: jax.Array) -> jax.Array | None:
            seen.append(own)
            return first[len(seen) - 1] if first else None

        y = branch(x, dataclasses.replace(context, first_values=first_values))
        return x + stochastic_depth(self, y, context), first or tuple(seen) or None
