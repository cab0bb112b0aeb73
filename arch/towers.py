"""Towers: a body of several stacks of layers, of which each example goes through one, by its first token."""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import BASES, Body
from arch.body_checks import branches, check_choices, check_widths, typed
from arch.context import Context
from arch.depth import Depth, scanned_blocks
from arch.fits import check_layer_positions, check_moved, check_needs, check_places, check_streams
from arch.make import positive
from arch.model_sockets import Sockets


class Towers(Body):
    """One tower for each modality between a stem and a head of all, as in CLIP (2103.00020) and ImageBind (2305.05665).

    `[B, N] -> [B, V]`
    `[B, N] -> [B, N, V]`

    Tower i has `depths[i]` layers of `width` channels, and reads the examples whose first token is in `marks[i]`; those with
    another first token are read by the first tower. Without any marks it is the first token modulo the number of towers. In
    `stack` a tower is a stage, so that towers may have different mixers: `{'stage': 1, 'mixer': {'kind': 'attention'}}`.

    Every tower computes all examples, and one result of each is taken: a step costs as much as one of all towers, and what a
    router adds to the loss counts all examples too. Kinds that mix examples of a batch are refused.
    """

    FITS = ('isotropic', 'causal', 'bidirectional', 'tokens')
    SCANS = True

    sockets: Sockets
    width: int = 32
    depths: tuple[int, ...] = (1, 1)
    marks: tuple[tuple[int, ...], ...] = ()
    causal: bool = False
    over_depth: str = 'loop'
    remat: bool = False
    compute: str = 'float32'
    stack: tuple[dict, ...] = ()

    @nn.nowrap
    def blocks(self) -> dict[str, range]:
        """The blocks that each scanned module holds: those of a tower."""
        holds = {}
        for tower, (first, depth) in enumerate(zip(self._firsts(), self.depths, strict=True)):
            holds.update(scanned_blocks(self.sockets, first, depth, f'blocks_{tower}'))
        return holds

    @nn.nowrap
    def stages(self) -> tuple[int, ...]:
        return tuple(self.depths)

    @nn.nowrap
    def with_stages(self, depths: Sequence[int]) -> dict[str, object]:
        return {'depths': list(depths)}

    @nn.nowrap
    def above_blocks(self) -> tuple[int, ...]:
        return tuple(depth - layer for depth in self.depths for layer in range(depth))

    @nn.nowrap
    def _firsts(self) -> list[int]:
        """The number of the first layer of each tower."""
        return [sum(self.depths[:tower]) for tower in range(len(self.depths))]

    @nn.nowrap
    def check(self) -> None:
        """Raise ValueError for what can be seen without an input."""
        positive("body 'towers'", width=self.width, **{f'depths[{i}]': depth for i, depth in enumerate(self.depths)})
        self._check_marks()
        check_choices('towers', self.over_depth, self.compute, self.sockets)
        check_needs(self.sockets)
        check_streams(self.sockets)
        check_moved(self.sockets, 'a tower reads the examples of others too')
        check_layer_positions(self.sockets)
        check_places(self.sockets, 'isotropic', 'causal' if self.causal else 'bidirectional', 'tokens')
        check_widths(self.sockets, (self.width,) * sum(self.depths), self.causal)
        for own in self.sockets.distinct():
            for family in BASES:
                if family != 'body' and own.cls(family).MIXES_BATCH:
                    allowed = sorted(kind for kind, cls in own.tables[family].items() if not cls.MIXES_BATCH)
                    raise ValueError(
                        f"{own.where}{family} '{own.kind(family)}' mixes the examples of a batch, and a tower reads those of "
                        f"others too; allowed in body 'towers': {allowed}; swap('{family}', ...) to one of them"
                    )

    @nn.nowrap
    def _check_marks(self) -> None:
        if self.marks and len(self.marks) != len(self.depths):
            raise ValueError(
                f"body 'towers': {len(self.marks)} lists of marks and {len(self.depths)} depths are given; a tower needs one "
                'of each: make the lists equally long, or leave the marks out'
            )
        alone = next((own for own in self.marks if not isinstance(own, tuple | list)), None)
        if alone is not None:
            raise ValueError(
                f"body 'towers': marks has {alone!r}; allowed: a list of first tokens for each tower; use [{alone!r}]"
            )
        given = [mark for own in self.marks for mark in own]
        twice = sorted({mark for mark in given if given.count(mark) > 1})
        if twice:
            raise ValueError(f"body 'towers': the marks {twice} are there twice; allowed: each in one tower; take one away")

    @nn.nowrap
    def tower_of(self, first: jax.Array) -> jax.Array:
        """The number of the tower that reads each example, from first tokens: `[B] -> [B]`."""
        if not self.marks:
            return first % len(self.depths)
        owners = [jnp.where(jnp.isin(first, jnp.asarray(own, first.dtype)), at, 0) for at, own in enumerate(self.marks)]
        return sum(owners)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check()
        if not jnp.issubdtype(x.dtype, jnp.integer):
            raise ValueError(
                f"body 'towers' tells examples apart by their first token, and the input has type {x.dtype}; give tokens, or "
                "swap('body', 'isotropic')"
            )
        make = self.sockets.make
        context = dataclasses.replace(context, ids=x)
        stem = make('stem', name='stem', features=self.width)
        own = self.tower_of(x[:, 0])[:, None, None]
        x = make('position', name='position')(typed(stem(x, context), self.compute), context)
        taken = None
        for tower, (first, depth) in enumerate(zip(self._firsts(), self.depths, strict=True)):
            here = dataclasses.replace(context, depth=depth, branches=branches(self.sockets, depth, first))
            rule = self.sockets.of_layer(first).make('residual', name=None)
            layers = Depth(self.sockets, self.over_depth, self.remat, before=first)
            stream = layers.run(rule.enter(x), here, first, depth, f'blocks_{tower}', features=self.width)
            made = rule.leave(stream, here, f'leave_{tower}')
            taken = made if taken is None else jnp.where(own == tower, made, taken)
        return make('head', name='head', stem=stem)(taken, context).astype(jnp.float32)
