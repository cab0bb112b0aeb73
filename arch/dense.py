"""Dense: the matrix product that every block is made of."""

import jax
from flax import linen as nn

from arch.context import Context
from arch.ops.product import product
from arch.parameter import parameter
from arch.vectors import per_channel


class Dense(nn.Module):
    """y = x kernel + bias, on the last axis; the kernel is drawn by the model's `initial` kind, the bias starts at 0.

    `[..., C] -> [..., F]` with F = features. `end`: the last product of a residual branch. `branch`: one that a residual
    rule may scale (not a query or key). The knob `init_scale` multiplies the initial kernel.
    """

    KNOBS = {'init_scale': 1.0}

    features: int
    bias: bool = True
    end: bool = False
    branch: bool = True

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        shape = (x.shape[-1], self.features)
        kernel = parameter(self, 'kernel', lambda key, shape: context.kernel(key, shape, *shape, self.end, self.branch), shape)
        y = product(x, kernel.astype(x.dtype))
        if self.bias:
            y = y + per_channel(parameter(self, 'bias', nn.initializers.zeros, (self.features,)), y)
        return y
