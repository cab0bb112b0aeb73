"""Continuous position bias: what is added to the scores of attention, computed from the steps from key to query."""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from arch.context import Context
from arch.dense import Dense

HIDDEN = 512
FARTHEST = 8
"""The longest step of a window, before the logarithm."""
LARGEST = 16.0
"""The bias is between 0 and this."""


def log_spaced(side: int, measure: int) -> np.ndarray:
    """The coordinates of all steps in windows of `side` a side, rows first: [(2 side - 1)^2, 2].

    A step d along an axis becomes sign(d) log2(1 + |8 d / (measure - 1)|) / log2(8), so the longest one in a window of
    `measure` a side log2(9) / 3.

    >>> [round(float(column), 2) for column in log_spaced(2, 8)[:3, 1]]
    [-0.37, 0.0, 0.37]
    """
    steps = np.arange(1 - side, side) * FARTHEST / max(measure - 1, 1)
    spaced = np.sign(steps) * np.log2(1 + np.abs(steps)) / np.log2(FARTHEST)
    return np.stack(np.meshgrid(spaced, spaced, indexing='ij'), -1).reshape(-1, 2).astype(np.float32)


class ContinuousPositionBias(nn.Module):
    """Log-spaced continuous position bias (Swin V2, 2111.09883): 16 sigmoid(relu(c up + b) down), c the coordinates of a step.

    `up` is 2 to 512 with a bias b, `down` 512 to K without one. A call gives [(2 side - 1)^2, K] in float32, for the steps of
    windows of `side` a side, measured in windows of `measure` a side.
    """

    heads: int

    @nn.compact
    def __call__(self, side: int, measure: int, context: Context) -> jax.Array:
        hidden = nn.relu(Dense(HIDDEN, branch=False, name='up')(jnp.asarray(log_spaced(side, measure)), context))
        return LARGEST * nn.sigmoid(Dense(self.heads, bias=False, branch=False, name='down')(hidden, context))
