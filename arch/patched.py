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
from arch.past import Past
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
    GENERATES = True

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
        make, total = self.sockets.make, sum(self.depths)
        context = dataclasses.replace(context, depth=total, branches=branches(self.sockets, total))
        stem = make('stem', name='stem', features=self.inner_width)
        tokens = typed(stem(typed(x, self.compute), context), self.compute)
        if tokens.shape[:2] != x.shape[:2]:
            raise ValueError(
                f"body 'patched': stem '{self.sockets.kind('stem')}' makes {tokens.shape[1]} positions of {x.shape[1]} tokens; "
                "it needs one for each: swap('stem', 'tokens')"
            )
        y = self._told(tokens, context) if context.past is None else self._told_next(tokens, context)
        ids = x if jnp.issubdtype(x.dtype, jnp.integer) else None
        return make('head', name='head', stem=stem)(y, dataclasses.replace(context, ids=ids)).astype(jnp.float32)

    @nn.nowrap
    def _told(self, tokens: jax.Array, context: Context) -> jax.Array:
        """What stands for the token after each of a text: `[B, N, inner_width] -> [B, N, inner_width]`."""
        count = tokens.shape[1]
        filled = jnp.pad(tokens, ((0, 0), (0, -count % self.patch), (0, 0)))
        parts = filled.reshape(len(tokens), -1, self.patch, self.inner_width)
        # A patch is told from those before it, so the first has none, and one more begins where the last has ended.
        before = jnp.pad(self._over(parts, context), ((0, 0), (1, 0), (0, 0)))
        inside = self._inside(before, jnp.pad(parts, ((0, 0), (0, 1), (0, 0), (0, 0))), context)
        # The first of all would be told from nothing; the token after token n stands one place behind it.
        return inside[:, 1 : count + 1]

    @nn.nowrap
    def _told_next(self, token: jax.Array, context: Context) -> jax.Array:
        """The same after one more token: `[B, 1, inner_width] -> [B, 1, inner_width]`.

        The large blocks go on where a patch has ended. The small ones run over all of the patch that the next token is in.
        """
        past, patches, begins = context.past, -(-context.past.length // self.patch), not self.has_variable('past', 'past_parts')
        place, number = past.place % self.patch, past.place // self.patch
        parts = self.variable('past', 'past_parts', jnp.zeros, (len(token), self.patch, self.inner_width), token.dtype)
        before = self.variable('past', 'past_before', jnp.zeros, (len(token), 1, self.width), token.dtype)
        parts.value = jax.vmap(lambda rows, row, at: rows.at[at].set(row))(parts.value, token[:, 0], place)
        ended = place == self.patch - 1
        over = Past(at=number, place=number, live=past.live & ended, room=patches, length=patches)
        here, whole = dataclasses.replace(context, past=over), parts.value[:, None]
        if begins:  # what blocks keep is not there yet, which no condition could make
            made = self._over(whole, here)
        else:
            made = nn.cond(ended.any(), lambda body: body._over(whole, here), lambda body: before.value, self)
        before.value = over.lived(made, before.value)
        inside = self._inside(before.value, whole, dataclasses.replace(context, past=None))
        return jax.vmap(lambda rows, at: rows[at])(inside, (place + 1) % self.patch)[:, None]

    @nn.nowrap
    def _over(self, parts: jax.Array, context: Context) -> jax.Array:
        """The blocks over patches: `[B, M, patch, inner_width] -> [B, M, width]`."""
        joined = Dense(self.width, name='join')(parts.reshape(*parts.shape[:2], -1), context)
        if self.code_levels:
            joined = PatchCodes(self.sockets, tuple(self.code_levels), name='codes')(joined, context)
        return self._run(self.sockets.make('position', name='position')(joined, context), context, 0, self.width)

    @nn.nowrap
    def _inside(self, before: jax.Array, parts: jax.Array, context: Context) -> jax.Array:
        """The blocks inside patches, each told what stands before it: `[B, M, width] -> [B, M patch, inner_width]`."""
        given = Dense(self.patch * self.inner_width, name='hand_on')(before, context)
        own = jnp.pad(parts[:, :, :-1], ((0, 0), (0, 0), (1, 0), (0, 0)))
        inside = (given.reshape(own.shape) + own).reshape(-1, self.patch, self.inner_width)
        inside = self._run(self.sockets.make('position', name='position_inside')(inside, context), context, 1, self.inner_width)
        return inside.reshape(len(parts), -1, self.inner_width)

    @nn.nowrap
    def _run(self, x: jax.Array, context: Context, stage: int, width: int) -> jax.Array:
        """The blocks over patches (stage 0) or inside them (1): `[B, M, width] -> [B, M, width]`."""
        first = self.depths[0] * stage
        rule = self.sockets.of_layer(first).make('residual', name=None)
        layers = Depth(self.sockets, self.over_depth, self.remat)
        stream = layers.run(rule.enter(x), context, first, self.depths[stage], f'blocks_{stage}', features=width)
        return rule.leave(stream, context, f'leave_{stage}')
