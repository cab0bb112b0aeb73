"""Patched: a body over patches of tokens, and a smaller one over the tokens of each patch."""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Body
from arch.body_checks import branches, check_choices, check_widths, typed
from arch.context import Context
from arch.dense import Dense
from arch.depth import Depth, scanned_blocks
from arch.fits import check_layer_positions, check_moved, check_needs, check_places, check_streams
from arch.make import positive
from arch.model_sockets import Sockets
from arch.patch_codes import PatchCodes, check_levels


class Patched(Body):
    """Patches of tokens (MegaByte, 2305.07185): large blocks over the patches, and small ones over the tokens of each.

    `[B, N] -> [B, N, V]`
    The stem gives tokens of `inner_width` channels. A product joins `patch` tokens in a row to one position of `width`
    channels, and `depths[0]` blocks run over these N/patch positions. Another product makes `patch` vectors of what they give,
    for the patch that comes next. The token before its place is added to each vector but the first, and `depths[1]` blocks run
    over the vectors of every patch alone. So a token is told from the patches that have ended and from the tokens of its own
    patch before it, and large blocks cost a `patch`-th of what they cost over tokens. The first patch gets the bias of that
    product. The end of a text is filled up to a whole patch, which no score sees. In the paper patches and tokens have a table
    each, here they share one. Positions are added to both. Raises ValueError where it is not causal.

    With `code_levels`, such as [8, 5, 5, 5], a patch is one symbol of a learned code book of their product, here 1000 codes
    (arch/patch_codes.py): the large blocks see nothing of earlier patches but their codes. The tokens of a patch are still told
    one by one, so that scores are those of tokens as without codes.
    """

    FITS = ('isotropic', 'causal', 'tokens')
    SCANS = True

    sockets: Sockets
    width: int = 32
    inner_width: int = 16
    depths: tuple[int, ...] = (2, 1)
    patch: int = 4
    code_levels: tuple[int, ...] = ()
    causal: bool = True
    over_depth: str = 'loop'
    remat: bool = False
    compute: str = 'float32'
    stack: tuple[dict, ...] = ()

    @nn.nowrap
    def blocks(self) -> dict[str, range]:
        """The blocks in each scanned module: those over patches, and those inside."""
        large, small = self.depths
        over, inside = (
            scanned_blocks(self.sockets, 0, large, 'blocks_0'),
            scanned_blocks(self.sockets, large, small, 'blocks_1'),
        )
        return {**over, **inside}

    @nn.nowrap
    def stages(self) -> tuple[int, ...]:
        return tuple(self.depths)

    @nn.nowrap
    def with_stages(self, depths: Sequence[int]) -> dict[str, object]:
        return {'depths': list(depths)}

    @nn.nowrap
    def check(self) -> None:
        """Raise ValueError for what can be seen without an input."""
        name = "body 'patched'"
        positive(name, width=self.width, inner_width=self.inner_width, patch=self.patch)
        check_levels(name, self.code_levels)
        if len(self.depths) != 2:
            raise ValueError(
                f'{name}: depths={list(self.depths)}; allowed: two numbers, of the blocks over patches and of those inside; '
                'change depths'
            )
        positive(name, **{f'depths[{i}]': depth for i, depth in enumerate(self.depths)})
        if not self.causal:
            raise ValueError(f"{name} tells tokens from those before them; causal=False; put('body.causal', True)")
        check_choices('patched', self.over_depth, self.compute, self.sockets)
        check_needs(self.sockets)
        check_streams(self.sockets)
        check_moved(self.sockets)
        check_layer_positions(self.sockets)
        check_places(self.sockets, 'isotropic', 'causal')
        check_places(self.sockets, 'tokens')
        large, small = self.depths
        check_widths(self.sockets, (self.width,) * large + (self.inner_width,) * small, True)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check()
        make, (large, small), count = self.sockets.make, self.depths, x.shape[1]
        total = large + small
        context = dataclasses.replace(context, depth=total, branches=branches(self.sockets, total))
        stem = make('stem', name='stem', features=self.inner_width)
        tokens = typed(stem(typed(x, self.compute), context), self.compute)
        if tokens.shape[:2] != x.shape[:2]:
            raise ValueError(
                f"body 'patched': stem '{self.sockets.kind('stem')}' makes {tokens.shape[1]} positions of {count} tokens; it "
                "needs one for each: swap('stem', 'tokens')"
            )
        filled = jnp.pad(tokens, ((0, 0), (0, -count % self.patch), (0, 0)))
        parts = filled.reshape(len(x), -1, self.patch, self.inner_width)
        joined = Dense(self.width, name='join')(parts.reshape(*parts.shape[:2], -1), context)
        if self.code_levels:
            joined = PatchCodes(self.sockets, tuple(self.code_levels), name='codes')(joined, context)
        over = self._run(make('position', name='position')(joined, context), context, 0, self.width)
        # A patch is told from those before it, so the first has none, and one more begins where the last has ended.
        before = jnp.pad(over, ((0, 0), (1, 0), (0, 0)))
        given = Dense(self.patch * self.inner_width, name='hand_on')(before, context)
        own = jnp.pad(parts, ((0, 0), (0, 1), (0, 0), (0, 0)))[:, :, :-1]
        inside = given.reshape(len(x), -1, self.patch, self.inner_width) + jnp.pad(own, ((0, 0), (0, 0), (1, 0), (0, 0)))
        inside = inside.reshape(-1, self.patch, self.inner_width)
        inside = self._run(make('position', name='position_inside')(inside, context), context, 1, self.inner_width)
        # The first of all would be told from nothing; the token after token n stands one place behind it.
        y = inside.reshape(len(x), -1, self.inner_width)[:, 1 : count + 1]
        ids = x if jnp.issubdtype(x.dtype, jnp.integer) else None
        return make('head', name='head', stem=stem)(y, dataclasses.replace(context, ids=ids)).astype(jnp.float32)

    @nn.nowrap
    def _run(self, x: jax.Array, context: Context, stage: int, width: int) -> jax.Array:
        """The blocks over patches (stage 0) or inside them (1): `[B, M, width] -> [B, M, width]`."""
        first = self.depths[0] * stage
        rule = self.sockets.of_layer(first).make('residual', name=None)
        layers = Depth(self.sockets, self.over_depth, self.remat)
        stream = layers.run(rule.enter(x), context, first, self.depths[stage], f'blocks_{stage}', features=width)
        return rule.leave(stream, context, f'leave_{stage}')
