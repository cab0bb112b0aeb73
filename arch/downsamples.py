"""Downsamples: from one stage of a hierarchical body to the next. `(x, context)`; fewer positions, other channels."""

import jax
from flax import linen as nn

from arch.context import Context
from arch.dense import Dense
from arch.make import positive
from arch.stems import patches


class SeparateConv(nn.Module):
    """Norm, then a convolution of size and stride `factor`, as between ConvNeXt's stages (2201.03545).

    `[B, H, W, C] -> [B, H/factor, W/factor, F]` with F the next stage's width.
    """

    sockets: object
    features: int
    factor: int = 2

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("downsample 'separate_conv'", factor=self.factor)
        x = self.sockets.make('norm', name='norm')(x, context)
        return Dense(self.features, name='patches')(patches(x, self.factor), context)


class PoolConv(nn.Module):
    """Mean over windows of `factor` a side, then a matrix product on the channels.

    `[B, H, W, C] -> [B, H/factor, W/factor, F]` with F the next stage's width.
    """

    sockets: object
    features: int
    factor: int = 2

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("downsample 'pool_conv'", factor=self.factor)
        x = self.sockets.make('norm', name='norm')(x, context)
        pieces = patches(x, self.factor)
        mean = pieces.reshape(*pieces.shape[:3], self.factor**2, x.shape[-1]).mean(3)
        return Dense(self.features, name='project')(mean, context)


class NoDownsample(nn.Module):
    """One resolution throughout: the choice of an isotropic body.

    `[B, H, W, C] -> [B, H, W, C]`
    """

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        return x


DOWNSAMPLES = {'separate_conv': SeparateConv, 'pool_conv': PoolConv, 'none': NoDownsample}
