"""Downsamples: from one stage of a hierarchical body to the next. `(x, context)`; fewer positions, other channels."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Downsample
from arch.context import Context
from arch.dense import Dense
from arch.filters import Kernels, check_taps, strided_conv
from arch.make import positive
from arch.model_sockets import Sockets
from arch.ops.patches import patches

BETWEEN = ('hierarchical', 'bidirectional', 'maps')
SIDES = ('before', 'after')
"""Where a norm stands, of a product."""


class SeparateConv(Downsample):
    """Norm, then a convolution of size and stride `factor`, as between ConvNeXt's stages (2201.03545).

    `[B, H, W, C] -> [B, H/factor, W/factor, F]` with F the next stage's width.
    """

    FITS = BETWEEN

    sockets: Sockets
    features: int
    factor: int = 2

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("downsample 'separate_conv'", factor=self.factor)
        x = self.sockets.make('norm', name='norm', site='stem')(x, context)
        return Dense(self.features, name='patches')(patches(x, self.factor), context)


class StridedConv(Downsample):
    """A convolution of `kernel` taps at every `factor`-th position, as between PoolFormer's stages (2111.11418).

    `[B, H, W, C] -> [B, H/factor, W/factor, F]` with F the next stage's width, sizes rounded up. `norm`: whether a norm stands
    before it. As many taps as the factor are patches that do not overlap; more have zeros around the map.
    """

    FITS = BETWEEN

    sockets: Sockets
    features: int
    kernel: int = 3
    factor: int = 2
    norm: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        check_taps("downsample 'strided_conv'", self.kernel, self.factor)
        x = self.sockets.make('norm', name='norm', site='stem')(x, context) if self.norm else x
        return strided_conv(x, context, self.features, self.kernel, self.factor)


class PatchMerging(Downsample):
    """Patches, norm, then one product without bias, as between Swin's stages (2103.14030).

    `[B, H, W, C] -> [B, H/factor, W/factor, F]` with F the next stage's width. Patches are cut rows first. `norm`: whether it
    stands 'before' the product or 'after' it, as in Swin V2 (2111.09883).
    """

    FITS = BETWEEN

    sockets: Sockets
    features: int
    factor: int = 2
    norm: str = 'before'

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("downsample 'patch_merging'", factor=self.factor)
        if self.norm not in SIDES:
            raise ValueError(f"downsample 'patch_merging': norm={self.norm!r}; allowed: {list(SIDES)}; change norm")
        norm = self.sockets.make('norm', name='norm', site='stem')
        merge = Dense(self.features, bias=False, name='merge')
        x = patches(x, self.factor)
        return norm(merge(x, context), context) if self.norm == 'after' else merge(norm(x, context), context)


class PoolConv(Downsample):
    """Mean over windows of `factor` a side, then a matrix product on the channels.

    `[B, H, W, C] -> [B, H/factor, W/factor, F]` with F the next stage's width.
    """

    FITS = BETWEEN

    sockets: Sockets
    features: int
    factor: int = 2

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("downsample 'pool_conv'", factor=self.factor)
        x = self.sockets.make('norm', name='norm', site='stem')(x, context)
        pieces = patches(x, self.factor)
        mean = pieces.reshape(*pieces.shape[:3], self.factor**2, x.shape[-1]).mean(3)
        return Dense(self.features, name='project')(mean, context)


class OfBlock(Downsample):
    """What stands beside the first block of each stage, which subsamples by itself, by `factor` or by the stage's `strides`."""

    FITS = BETWEEN
    IN_BLOCK = True

    @nn.nowrap
    def stride_of(self, stage: int) -> int:
        return self.strides[stage] if self.strides else super().stride_of(stage)

    @property
    def step(self) -> int:
        """The stride: the body's, else `factor`."""
        return self.stride or self.factor


class InBlock(OfBlock):
    """The first block of each stage subsamples; this is its shortcut (1512.03385): a product, then a norm.

    `[B, H, W, C] -> [B, H/factor, W/factor, F]` with F the stage's width, sizes rounded up. Where neither resolution nor
    width changes, as in a first stage no wider than its stem, the shortcut is x itself. For blocks that can begin a stage
    by themselves. `strides`: one for each stage, in place of the factor.
    """

    KERNELS = {'project': ('each', 'each', 'in', 'out')}

    sockets: Sockets
    features: int
    factor: int = 2
    stride: int = 0
    strides: tuple[int, ...] = ()

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("downsample 'in_block'", factor=self.factor)
        if self.step == 1 and x.shape[-1] == self.features:
            return x
        x = Kernels(self.features, 1, self.step, bias=False, name='project')(x, context)
        return self.sockets.make('norm', name='norm', site='stem')(x, context)


class InBlockAlone(OfBlock):
    """The first block of each stage subsamples, and no shortcut goes around it (1801.04381): zeros in its place.

    `[B, H, W, C] -> [B, H/factor, W/factor, F]` with F the stage's width, sizes rounded up. Where neither resolution nor
    width changes, the shortcut is x itself. For blocks that can begin a stage by themselves. `strides`: one for each stage,
    in place of the factor.
    """

    features: int
    factor: int = 2
    stride: int = 0
    strides: tuple[int, ...] = ()

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("downsample 'in_block_alone'", factor=self.factor)
        if self.step == 1 and x.shape[-1] == self.features:
            return x
        return jnp.zeros((len(x), *(-(-size // self.step) for size in x.shape[1:-1]), self.features), x.dtype)


class NoDownsample(Downsample):
    """One resolution throughout: the choice of an isotropic body, or of one stage.

    `[B, H, W, C] -> [B, H, W, C]`
    """

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        return x


DOWNSAMPLES = {
    'separate_conv': SeparateConv,
    'strided_conv': StridedConv,
    'patch_merging': PatchMerging,
    'pool_conv': PoolConv,
    'in_block': InBlock,
    'in_block_alone': InBlockAlone,
    'none': NoDownsample,
}
