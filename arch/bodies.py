"""Bodies: the order of stem, position, blocks, downsamples and head. `(x, context)` from data to scores.

`stack` says where layers differ from each other, see `arch/stack.py`; empty, all are alike. `skips` joins late layers of an
isotropic body to early ones, see `arch/skips.py`. `over_depth` is 'loop' or 'scan'
(one program for all blocks of a stage: deep models compile fast). `remat` computes each block again in the backward pass
instead of keeping its insides. `compute` is the type of activations and products, 'float32' or 'bfloat16'; parameters,
statistics and scores are float32 in both.
"""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Body
from arch.body_checks import branches, check_choices, check_skips, check_widths, typed
from arch.context import Context
from arch.depth import Depth, scanned_blocks
from arch.fits import check_layer_positions, check_moved, check_needs, check_places, check_streams
from arch.make import positive
from arch.model_sockets import Sockets
from arch.patched import Patched
from arch.perceiver import Perceiver
from arch.towers import Towers


class Isotropic(Body):
    """One resolution and one width throughout, as in ViT (2010.11929), GPT or isotropic ConvNeXt.

    `[B, H, W, I] -> [B, V]`
    `[B, N] -> [B, N, V]`
    """

    FITS = ('isotropic', 'causal', 'bidirectional', 'maps', 'tokens')
    SCANS = True
    GENERATES = True

    sockets: Sockets
    width: int = 32
    depth: int = 2
    causal: bool = False
    over_depth: str = 'loop'
    remat: bool = False
    compute: str = 'float32'
    stack: tuple[dict, ...] = ()
    skips: str = 'none'

    @nn.nowrap
    def blocks(self) -> dict[str, range]:
        """The blocks that each scanned module holds."""
        return scanned_blocks(self.sockets, 0, self.depth, 'blocks_0')

    @nn.nowrap
    def stages(self) -> tuple[int, ...]:
        return (self.depth,)

    @nn.nowrap
    def with_stages(self, depths: Sequence[int]) -> dict[str, object]:
        return {'depth': depths[0]}

    @nn.nowrap
    def check(self) -> None:
        """Raise ValueError for what can be seen without an input."""
        positive("body 'isotropic'", width=self.width, depth=self.depth)
        check_choices('isotropic', self.over_depth, self.compute, self.sockets)
        check_skips('isotropic', self.skips, self.depth, self.sockets)
        check_needs(self.sockets)
        check_streams(self.sockets)
        check_moved(self.sockets)
        check_layer_positions(self.sockets)
        check_places(self.sockets, 'isotropic', 'causal' if self.causal else 'bidirectional')
        check_widths(self.sockets, (self.width,) * self.depth, self.causal)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check()
        make, rule = self.sockets.make, self.sockets.of_layer(0).make('residual', name=None)
        ids = x if jnp.issubdtype(x.dtype, jnp.integer) else None
        context = dataclasses.replace(context, depth=self.depth, branches=branches(self.sockets, self.depth), ids=ids)
        stem = make('stem', name='stem', features=self.width)
        x = typed(stem(typed(x, self.compute), context), self.compute)
        if x.ndim == 4 and self.causal:
            raise ValueError(
                "body 'isotropic' is causal and its stem gave a map; a map has no order: put('body.causal', False)"
            )
        check_places(self.sockets, 'maps' if x.ndim == 4 else 'tokens')
        x = make('position', name='position')(x, context)
        layers = Depth(self.sockets, self.over_depth, self.remat, self.skips)
        stream = layers.run(rule.enter(x), context, 0, self.depth, 'blocks_0', features=self.width)
        x = rule.leave(stream, context, 'leave_0')
        return make('head', name='head', stem=stem)(x, context).astype(jnp.float32)


class Hierarchical(Body):
    """Stages of fewer positions and more channels, as in ResNet, Swin or ConvNeXt (2201.03545).

    `[B, H, W, I] -> [B, V]`. Stage i has `depths[i]` blocks of `widths[i]` channels.
    """

    FITS = ('hierarchical', 'bidirectional', 'maps')
    SCANS = True

    sockets: Sockets
    widths: tuple[int, ...] = (16, 32)
    depths: tuple[int, ...] = (1, 1)
    over_depth: str = 'loop'
    remat: bool = False
    compute: str = 'float32'
    stack: tuple[dict, ...] = ()

    @nn.nowrap
    def blocks(self) -> dict[str, range]:
        """The blocks in each scanned module: those of a stage, without the first if that one downsamples."""
        holds, first, skip = {}, 0, self._in_block()
        for stage, depth in enumerate(self.depths):
            holds.update(scanned_blocks(self.sockets, first + skip, depth - skip, f'blocks_{stage}'))
            first += depth
        return holds

    @nn.nowrap
    def stages(self) -> tuple[int, ...]:
        return tuple(self.depths)

    @nn.nowrap
    def with_stages(self, depths: Sequence[int]) -> dict[str, object]:
        return {'depths': list(depths)}

    @nn.nowrap
    def _in_block(self) -> bool:
        return self.sockets.cls('downsample').IN_BLOCK

    @nn.nowrap
    def check(self) -> None:
        """Raise ValueError for what can be seen without an input."""
        if len(self.widths) != len(self.depths):
            raise ValueError(
                f"body 'hierarchical': {len(self.widths)} widths and {len(self.depths)} depths are given; a stage needs "
                'one of each: make the lists equally long'
            )
        positive("body 'hierarchical'", **{f'widths[{i}]': width for i, width in enumerate(self.widths)})
        positive("body 'hierarchical'", **{f'depths[{i}]': depth for i, depth in enumerate(self.depths)})
        check_choices('hierarchical', self.over_depth, self.compute, self.sockets)
        check_needs(self.sockets)
        check_streams(self.sockets)
        check_moved(self.sockets)
        check_layer_positions(self.sockets)
        check_places(self.sockets, 'hierarchical', 'bidirectional')
        by_layer = [width for width, depth in zip(self.widths, self.depths, strict=True) for _ in range(depth)]
        check_widths(self.sockets, by_layer, False)
        if len(self.widths) > 1 and self.sockets.kind('downsample') == 'none':
            fit = sorted(kind for kind in self.sockets.tables['downsample'] if kind != 'none')
            raise ValueError(
                f"body 'hierarchical' of {len(self.widths)} stages needs a downsample between them; downsample is 'none'; "
                f"allowed: {fit}; swap('downsample', ...) to one of them"
            )
        firsts = [sum(self.depths[:stage]) for stage in range(len(self.depths))]
        for own in [self.sockets.of_layer(first) for first in firsts] if self._in_block() else ():
            if not own.cls('block').STRIDES:
                fit = sorted(kind for kind, cls in own.tables['block'].items() if cls.STRIDES)
                raise ValueError(
                    f"{own.where}downsample '{own.kind('downsample')}' leaves the first block of a stage to leave out "
                    f"positions; block '{own.kind('block')}' can't; allowed: {fit}; swap the block or the downsample"
                )
        strides = self.sockets.make('downsample', name=None, features=1).strides if self._in_block() else ()
        if strides and len(strides) != len(self.depths):
            raise ValueError(
                f"downsample '{self.sockets.kind('downsample')}': {len(strides)} strides for {len(self.depths)} stages; each "
                'stage needs one; make the lists equally long'
            )
        positive(f"downsample '{self.sockets.kind('downsample')}'", **{f'strides[{i}]': step for i, step in enumerate(strides)})
        if self._in_block() and any(layer.home in firsts and layer.home != n for n, layer in enumerate(self.sockets.layers)):
            raise ValueError(
                f"downsample '{self.sockets.kind('downsample')}' is in the first block of a stage, which can't have the "
                "parameters of others; leave it out of the entries of body.stack with 'shared', by 'at': 'first'"
            )

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check()
        make, total = self.sockets.make, sum(self.depths)
        context = dataclasses.replace(context, depth=total, branches=branches(self.sockets, total))
        stem = make('stem', name='stem', features=self.widths[0])
        x = typed(stem(typed(x, self.compute), context), self.compute)
        check_places(self.sockets, 'maps' if x.ndim == 4 else 'tokens')
        x = make('position', name='position')(x, context)
        layers, layer, stages = Depth(self.sockets, self.over_depth, self.remat), 0, []
        for stage, (width, depth) in enumerate(zip(self.widths, self.depths, strict=True)):
            first = layer
            if self._in_block():
                stride = make('downsample', name=None, parent=None, features=width).stride_of(stage)
                shortcut = make('downsample', name=f'downsample_{stage}', features=width, stride=stride)
                block = self.sockets.of_layer(layer).make('block', name=f'block_{layer}', features=width)
                here = dataclasses.replace(context, layer=layer)
                x = block(x, here, shortcut=shortcut, stride=shortcut.step)
                layer += 1
            elif stage:
                x = make('downsample', name=f'downsample_{stage}', features=width)(x, context)
            count = first + depth - layer
            if count:
                rule = self.sockets.of_layer(layer).make('residual', name=None)
                stream = layers.run(rule.enter(x), context, layer, count, f'blocks_{stage}', features=width)
                x = rule.leave(stream, context, f'leave_{stage}')
                layer += count
            stages.append(x)
        context = dataclasses.replace(context, stages=tuple(stages))
        return make('head', name='head', stem=stem)(x, context).astype(jnp.float32)


BODIES = {'isotropic': Isotropic, 'hierarchical': Hierarchical, 'towers': Towers, 'perceiver': Perceiver, 'patched': Patched}
