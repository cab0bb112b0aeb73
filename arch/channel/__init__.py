"""Channel blocks: mix the channels of each position alone. `(x, context)`; `[..., C] -> [..., C]`."""

from arch.channel.gated import Gated
from arch.channel.mlp import Mlp

CHANNELS = {'mlp': Mlp, 'gated': Gated}
