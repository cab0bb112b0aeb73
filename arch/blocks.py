"""Blocks: how a mixer and a channel block make one layer. `(x, context)`; `[..., C] -> [..., C]`."""

import jax
from flax import linen as nn

from arch.context import Context


def unchanged(x: jax.Array) -> jax.Array:
    """The stage that does nothing."""
    return x


class TwoBranch(nn.Module):
    """A transformer's layer (1706.03762, 2111.11418): a residual branch for the mixer, another for the channel block.

    `[..., C] -> [..., C]`
    """

    sockets: object
    place: float = 0.0

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        for family in ('mixer', 'channel'):
            inner = self.sockets.make(family, name=family)
            norm = self.sockets.make('norm', name=f'norm_{family}')
            rule = self.sockets.make('residual', name=f'residual_{family}', place=self.place)
            x = rule(
                x,
                unchanged,
                lambda y, inner=inner: inner(y, context),
                lambda y, norm=norm: norm(y, context),
                context,
            )
        return x


class OneBranch(nn.Module):
    """ConvNeXt's layer (2201.03545): one residual branch of mixer, norm, channel block.

    `[..., C] -> [..., C]`
    """

    sockets: object
    place: float = 0.0

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        mixer = self.sockets.make('mixer', name='mixer')
        channel = self.sockets.make('channel', name='channel')
        norm = self.sockets.make('norm', name='norm')
        rule = self.sockets.make('residual', name='residual', place=self.place)
        return rule(x, lambda y: mixer(y, context), lambda y: channel(y, context), lambda y: norm(y, context), context)


BLOCKS = {'two_branch': TwoBranch, 'one_branch': OneBranch}
