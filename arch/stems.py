"""Stems: from what the data gives to channels. `(x, context)`; images `[B, H, W, C]` or token ids `[B, N]`."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.context import Context
from arch.dense import Dense
from arch.make import positive


def patches(x: jax.Array, patch: int) -> jax.Array:
    """Cut maps into patches: `[B, H, W, C] -> [B, H/patch, W/patch, patch patch C]`."""
    batch, height, width, channels = x.shape
    if height % patch or width % patch:
        raise ValueError(
            f'patch={patch} does not divide the {height} x {width} map; allowed: common divisors of both; change patch'
        )
    x = x.reshape(batch, height // patch, patch, width // patch, patch, channels)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(batch, height // patch, width // patch, patch * patch * channels)


class Patchify(nn.Module):
    """Non-overlapping patches and one matrix product (2010.11929): a convolution of size and stride `patch`.

    `[B, H, W, I] -> [B, H/patch, W/patch, C]`. Raises ValueError where the input is not a map of images.
    """

    features: int
    patch: int = 4

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("stem 'patchify'", patch=self.patch)
        if x.ndim != 4:
            raise ValueError(
                f"stem 'patchify': given an input of shape {x.shape}, allowed images [B, H, W, C]; use stem 'tokens' for ids"
            )
        return Dense(self.features, name='patches')(patches(x, self.patch), context)


class Tokens(nn.Module):
    """A table of token embeddings: embedding[id], normal with deviation 1 / sqrt(C).

    `[B, N] -> [B, N, C]`. Raises ValueError where the input is not token ids.
    """

    features: int
    vocabulary: int = 256

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("stem 'tokens'", vocabulary=self.vocabulary)
        if x.ndim != 2 or not jnp.issubdtype(x.dtype, jnp.integer):
            raise ValueError(
                f"stem 'tokens': given {x.dtype} of shape {x.shape}, allowed integer ids [B, N]; use stem 'patchify' for images"
            )
        table = self.param(
            'embedding', nn.initializers.normal(self.features**-0.5), (self.vocabulary, self.features), jnp.float32
        )
        return table[x]


STEMS = {'patchify': Patchify, 'tokens': Tokens}
