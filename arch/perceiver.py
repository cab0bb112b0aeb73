"""Perceiver: a body of latent vectors that read the input in the place of its positions."""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Body
from arch.body_checks import branches, check_choices, check_widths, typed
from arch.context import Context
from arch.depth import Depth, scanned_blocks
from arch.fits import check_layer_positions, check_moved, check_needs, check_places, check_streams
from arch.make import divides, positive
from arch.mixers.cross_attention import Read
from arch.model_sockets import Sockets


class Latents(nn.Module):
    """A table of vectors, the same for all examples: `[B, M, C]`."""

    count: int
    features: int

    @nn.compact
    def __call__(self, batch: int, context: Context) -> jax.Array:
        drawn = self.param('embedding', lambda key: context.initial.embedding(key, (self.count, self.features)))
        return jnp.broadcast_to(drawn[None], (batch, self.count, self.features))


class Reading(nn.Module):
    """h + read(norm(h), norm(x)), then h + channel(norm(h)) (Perceiver, 2103.03206): `[B, M, C], [B, N, C] -> [B, M, C]`."""

    sockets: Sockets
    heads: int

    @nn.compact
    def __call__(self, h: jax.Array, x: jax.Array, context: Context) -> jax.Array:
        make = self.sockets.make
        queries = make('norm', name='norm_latents', site='mixer')(h, context)
        others = make('norm', name='norm_input', site='mixer')(x, context)
        h = h + Read(self.heads, end=True, name='read')(queries, others, context)
        normed = make('norm', name='norm_channel', site='channel')(h, context)
        return h + make('channel', name='channel')(normed, context)


class Perceiver(Body):
    """Perceiver (2103.03206): a few latent vectors that read the input again and again, and go through the blocks in its place.

    `[B, H, W, I] -> [B, V]`
    `[B, N] -> [B, V]`
    h is a table of `latents` vectors, the same for all examples. Before the `depths[i]` blocks of stage i it reads the input x:
    h <- h + read(norm(h), norm(x)), then h <- h + channel(norm(h)); read is cross-attention with `heads` heads, its queries of
    the latents. The head sees the latents, so what depth costs does not grow with the input. With `shared` all readings but the
    first one have the same parameters, as in the paper; its blocks are shared by `stack`. The paper tells places by Fourier
    features beside the input's channels; here the position adds them, and one that works inside attention is refused, since
    latents stand nowhere. Latents hold something of all positions, so the body is not causal.
    """

    FITS = ('isotropic', 'bidirectional', 'maps', 'tokens')
    SCANS = True

    sockets: Sockets
    width: int = 32
    depths: tuple[int, ...] = (1, 1)
    latents: int = 8
    heads: int = 1
    shared: bool = False
    over_depth: str = 'loop'
    remat: bool = False
    compute: str = 'float32'
    stack: tuple[dict, ...] = ()

    @nn.nowrap
    def blocks(self) -> dict[str, range]:
        """The blocks in each scanned module: those of a stage."""
        holds, first = {}, 0
        for stage, depth in enumerate(self.depths):
            holds.update(scanned_blocks(self.sockets, first, depth, f'blocks_{stage}'))
            first += depth
        return holds

    @nn.nowrap
    def stages(self) -> tuple[int, ...]:
        return tuple(self.depths)

    @nn.nowrap
    def with_stages(self, depths: Sequence[int]) -> dict[str, object]:
        return {'depths': list(depths)}

    @nn.nowrap
    def check(self) -> None:
        """Raise ValueError for what can be seen without an input."""
        name = "body 'perceiver'"
        positive(name, width=self.width, latents=self.latents, stages=len(self.depths))
        positive(name, **{f'depths[{i}]': depth for i, depth in enumerate(self.depths)})
        divides(name, 'heads', self.heads, 'width', self.width)
        check_choices('perceiver', self.over_depth, self.compute, self.sockets)
        check_needs(self.sockets)
        check_streams(self.sockets)
        check_moved(self.sockets, 'readings share its parameters' if self.shared else '')
        check_layer_positions(self.sockets)
        check_places(self.sockets, 'isotropic', 'bidirectional')
        check_places(self.sockets, 'tokens', but=('stem', 'position'))
        check_widths(self.sockets, (self.width,) * sum(self.depths), False)
        for own in self.sockets.distinct():
            if any(own.make('position', name=None).rules().values()):
                table = own.tables['position']
                fit = sorted(kind for kind, cls in table.items() if not (cls.rotation or cls.score_bias))
                raise ValueError(
                    f"{own.where}position '{own.kind('position')}' works inside attention, where latents of body 'perceiver' "
                    f"have no places; allowed: {fit}; swap('position', ...) to one of them"
                )

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check()
        make, total = self.sockets.make, sum(self.depths)
        context = dataclasses.replace(context, depth=total, branches=branches(self.sockets, total))
        stem = make('stem', name='stem', features=self.width)
        x = typed(stem(typed(x, self.compute), context), self.compute)
        check_places(self.sockets, 'maps' if x.ndim == 4 else 'tokens', but={*self.sockets.tables} - {'stem', 'position'})
        x = make('position', name='position')(x, context)
        x = x.reshape(len(x), -1, x.shape[-1])
        h = typed(Latents(self.latents, self.width, name='latents')(len(x), context), self.compute)
        layers, first, made = Depth(self.sockets, self.over_depth, self.remat), 0, {}
        for stage, depth in enumerate(self.depths):
            name = f'reading_{min(stage, 1) if self.shared else stage}'
            if name not in made:
                made[name] = Reading(self.sockets, self.heads, name=name)
            h = made[name](h, x, context)
            rule = self.sockets.of_layer(first).make('residual', name=None)
            stream = layers.run(rule.enter(h), context, first, depth, f'blocks_{stage}', features=self.width)
            h = rule.leave(stream, context, f'leave_{stage}')
            first += depth
        return make('head', name='head', stem=stem)(h, context).astype(jnp.float32)
