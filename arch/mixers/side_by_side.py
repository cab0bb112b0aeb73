"""Side by side: several mixers read the same input, and their outputs are joined."""

import dataclasses
from collections.abc import Mapping

import jax
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context
from arch.model_sockets import Sockets
from arch.parameter import parameter
from arch.vectors import per_channel

JOINS = ('average', 'weighted', 'sum')


class SideBySide(Mixer):
    """Parallel mixers, as the heads of Hymba (2411.13676): the mean over i of scale_i norm_i(mixer_i(x)).

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    `mixers`: their specs, `{'kind': ..., fields}` each. `join`: 'average' has no scales, 'weighted' one for each channel that
    starts at 1, and 'sum' adds without a mean. `normed`: whether each output has a norm of its own, of the model's kind; it
    brings outputs of different size together. Each mixer has all of its own products, also the last one, where Hymba shares
    the first and the last. What the model does to queries, keys and values holds for those mixers that take it, and values are
    mixed in the first of them. Raises ValueError for fewer than two mixers.
    """

    GENERATES = True

    sockets: Sockets
    mixers: tuple[dict, ...] = ({'kind': 'attention', 'heads': 2}, {'kind': 'depthwise_conv', 'kernel': 3})
    join: str = 'average'
    normed: bool = True

    @nn.nowrap
    def parts(self) -> Mapping[str, Mapping]:
        return {f'mixers[{number}]': spec for number, spec in enumerate(self.mixers)}

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        if len(self.mixers) < 2:
            raise ValueError(
                f"mixer 'side_by_side': {len(self.mixers)} mixer is given; allowed: two or more; swap('mixer', ...) to it alone"
            )
        if self.join not in JOINS:
            raise ValueError(f"mixer 'side_by_side': join={self.join!r}; allowed: {list(JOINS)}; change join")

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        total, values = 0.0, context.values
        for number, own in enumerate(self.sockets.inner('mixer')):
            mixer = own.make('mixer', name=f'mixer_{number}')
            y = mixer(x, dataclasses.replace(context, values=values))
            values = None if own.takes('values') else values
            if self.normed:
                y = own.make('norm', name=f'norm_{number}', site='mixer')(y, context)
            if self.join == 'weighted':
                y = per_channel(Scales(name=f'scale_{number}')(x), y) * y
            total = total + y
        return total if self.join == 'sum' else total / len(self.mixers)


class Scales(nn.Module):
    """A number for each channel, from 1: `[C]`."""

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return parameter(self, 'scale', nn.initializers.ones, (x.shape[-1],))
