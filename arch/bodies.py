"""Bodies: the order of stem, position, blocks, downsamples and head. `(x, context)` from data to scores."""

import jax
from flax import linen as nn

from arch.context import Context
from arch.make import positive


class Isotropic(nn.Module):
    """One resolution and one width throughout, as in ViT (2010.11929), GPT or isotropic ConvNeXt.

    `[B, H, W, I] -> [B, V]`
    `[B, N] -> [B, N, V]`
    """

    sockets: object
    width: int = 32
    depth: int = 2
    causal: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("body 'isotropic'", width=self.width, depth=self.depth)
        if self.sockets.kind('downsample') != 'none':
            raise ValueError(
                f"body 'isotropic' keeps one resolution; downsample is '{self.sockets.kind('downsample')}', allowed: "
                "'none'; swap('downsample', 'none') or use body 'hierarchical'"
            )
        x = self.sockets.make('stem', name='stem', features=self.width)(x, context)
        x = self.sockets.make('position', name='position')(x, context)
        for layer in range(self.depth):
            place = layer / max(self.depth - 1, 1)
            x = self.sockets.make('block', name=f'block_{layer}', place=place)(x, context)
        return self.sockets.make('head', name='head')(x, context)


class Hierarchical(nn.Module):
    """Stages of fewer positions and more channels, as in ResNet, Swin or ConvNeXt (2201.03545).

    `[B, H, W, I] -> [B, V]`. Stage i has `depths[i]` blocks of `widths[i]` channels; a norm follows the stem.
    """

    sockets: object
    widths: tuple[int, ...] = (16, 32)
    depths: tuple[int, ...] = (1, 1)

    causal = False

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        if len(self.widths) != len(self.depths):
            raise ValueError(
                f"body 'hierarchical': {len(self.widths)} widths and {len(self.depths)} depths are given; a stage needs "
                'one of each: make the lists equally long'
            )
        positive("body 'hierarchical'", **{f'widths[{i}]': width for i, width in enumerate(self.widths)})
        positive("body 'hierarchical'", **{f'depths[{i}]': depth for i, depth in enumerate(self.depths)})
        if len(self.widths) > 1 and self.sockets.kind('downsample') == 'none':
            raise ValueError(
                "body 'hierarchical' of several stages needs a downsample between them; downsample is 'none'; "
                "swap('downsample', 'separate_conv')"
            )
        x = self.sockets.make('stem', name='stem', features=self.widths[0])(x, context)
        if x.ndim != 4:
            raise ValueError(
                "body 'hierarchical' works on maps [B, H, W, C]; its stem gave a sequence; use body 'isotropic' for tokens"
            )
        x = self.sockets.make('norm', name='stem_norm')(x, context)
        x = self.sockets.make('position', name='position')(x, context)
        layer, last = 0, max(sum(self.depths) - 1, 1)
        for stage, (width, depth) in enumerate(zip(self.widths, self.depths, strict=True)):
            if stage:
                x = self.sockets.make('downsample', name=f'downsample_{stage}', features=width)(x, context)
            for _ in range(depth):
                x = self.sockets.make('block', name=f'block_{layer}', place=layer / last)(x, context)
                layer += 1
        return self.sockets.make('head', name='head')(x, context)


BODIES = {'isotropic': Isotropic, 'hierarchical': Hierarchical}
