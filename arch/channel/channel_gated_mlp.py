"""Channel-gated MLP: an MLP whose hidden channels are gated by what all positions say of them."""

import jax
from flax import linen as nn

from arch.block import Channel
from arch.channel_gate import ChannelGate, check_gate
from arch.context import Context
from arch.dense import Dense
from arch.make import positive
from arch.model_sockets import Sockets


class ChannelGatedMlp(Channel):
    """An MLP with a channel gate on its hidden channels: gate(activation(x up)) down, F = ratio C of them.

    `[..., C] -> [..., C]`. `gate`: 'squeeze_excite' (SE, 1709.01507) through squeeze F channels, or 'efficient' (ECA,
    1910.03151) with a filter of `taps` neighbouring channels. In a causal body a gate goes by the positions up to its own.
    """

    sockets: Sockets
    ratio: float = 4.0
    gate: str = 'squeeze_excite'
    squeeze: float = 0.25
    taps: int = 3

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        positive("channel 'channel_gated_mlp'", ratio=self.ratio)
        check_gate("channel 'channel_gated_mlp'", self.gate, self.squeeze, self.taps)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        hidden = Dense(max(1, round(self.ratio * x.shape[-1])), name='up')(x, context)
        hidden = self.sockets.make('activation', name='activation')(hidden, context)
        hidden = ChannelGate(self.sockets, self.gate, self.squeeze, self.taps, name='gate')(hidden, context)
        return Dense(x.shape[-1], end=True, name='down')(hidden, context)
