"""Experts: the products of many MLPs side by side, each on rows of its own or all on the same rows."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.channel.ragged import ragged
from arch.context import Context
from arch.parameter import parameter


class Experts(nn.Module):
    """One matrix for each of `experts`.

    With `sizes` [E]: rows [M, C], the first sizes[0] of them those of expert 0 and so on, to [M, F]. Without: the same rows
    [M, C] for all, or rows [E, M, C] for each, to [E, M, F].
    """

    experts: int
    features: int
    end: bool = False

    @nn.compact
    def __call__(self, rows: jax.Array, sizes: jax.Array | None, context: Context) -> jax.Array:
        channels = rows.shape[-1]
        shape = (self.experts, channels, self.features)
        kernel = parameter(
            self, 'kernel', lambda key, shape: context.kernel(key, shape, channels, self.features, self.end), shape
        )
        kernel = kernel.astype(rows.dtype)
        if sizes is not None:
            return ragged(rows, kernel, sizes)
        return jnp.einsum('mc,ecf->emf' if rows.ndim == 2 else 'emc,ecf->emf', rows, kernel)
