"""Behind a short convolution: any mixer, on positions that hold a little of their neighbours."""

from collections.abc import Mapping
from dataclasses import field

import jax
from flax import linen as nn

from arch.block import Mixer
from arch.context import Context
from arch.model_sockets import Sockets
from arch.short_conv import ShortConv, check_short_conv


class BehindShortConv(Mixer):
    """A Canon layer in front of a mixer, Canon-A (2512.17351): mixer(x + filter(x)), after the norm of the branch.

    `[B, N, C] -> [B, N, C]`
    `[B, H, W, C] -> [B, H, W, C]`
    `mixer`: its spec, `{'kind': ..., fields}`. The filter is one of `kernel` taps a side for each channel, without a bias: over
    this token and those before it in a causal body, around the position elsewhere (an even one reaches a step further ahead
    than back); on a map it has two axes, as in conditional positional encodings (2102.10882). `start`: how filters start,
    'uniform' between -1 and 1 over the root of the taps, as in the paper's code, or 'zero', so that the model starts as the one
    without. What the model does to queries, keys and values holds for the inner mixer, if that takes it. Raises ValueError for
    a kernel below 1 or an unknown start.
    """

    GENERATES = True

    sockets: Sockets
    mixer: dict = field(default_factory=lambda: {'kind': 'attention', 'heads': 2})
    kernel: int = 4
    start: str = 'uniform'

    @nn.nowrap
    def parts(self) -> Mapping[str, Mapping]:
        return {'mixer': self.mixer}

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        check_short_conv("mixer 'behind_short_conv'", self.kernel, self.start)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        self.check(x.shape[-1], context.causal)
        x = ShortConv(self.kernel, self.start, name='short')(x, context)
        return self.sockets.inner('mixer')[0].make('mixer', name='mixer')(x, context)
