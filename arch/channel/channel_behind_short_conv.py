"""Behind a short convolution: any channel block, on positions that hold a little of their neighbours."""

from collections.abc import Mapping
from dataclasses import field

import jax
from flax import linen as nn

from arch.block import Channel
from arch.context import Context
from arch.model_sockets import Sockets
from arch.short_conv import ShortConv, check_short_conv


class ChannelBehindShortConv(Channel):
    """A Canon layer in front of a channel block, Canon-C (2512.17351): channel(x + filter(x)), after the norm of the branch.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    `channel`: its spec, `{'kind': ..., fields}`. `kernel` and `start` are those of mixer 'behind_short_conv'. It looks at
    neighbours, so it is no block of each position alone. Raises ValueError for a kernel below 1 or an unknown start.
    """

    EQUIVARIANT = False
    GENERATES = True

    sockets: Sockets
    channel: dict = field(default_factory=lambda: {'kind': 'mlp', 'ratio': 4.0})
    kernel: int = 4
    start: str = 'uniform'

    @nn.nowrap
    def parts(self) -> Mapping[str, Mapping]:
        return {'channel': self.channel}

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        check_short_conv("channel 'behind_short_conv'", self.kernel, self.start)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        x = ShortConv(self.kernel, self.start, name='short')(x, context)
        return self.sockets.inner('channel')[0].make('channel', name='channel')(x, context)
