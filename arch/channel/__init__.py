"""Channel blocks: mix the channels of each position alone. `(x, context)`; `[..., C] -> [..., C]`."""

from arch.channel.channel_behind_short_conv import ChannelBehindShortConv
from arch.channel.channel_gated_mlp import ChannelGatedMlp
from arch.channel.gated import Gated
from arch.channel.global_response_mlp import GlobalResponseMlp
from arch.channel.kolmogorov_arnold import KolmogorovArnold
from arch.channel.mixture_of_experts import MixtureOfExperts
from arch.channel.mlp import Mlp
from arch.channel.shifted_mlp import ShiftedMlp

CHANNELS = {
    'mlp': Mlp,
    'gated': Gated,
    'mixture_of_experts': MixtureOfExperts,
    'global_response_mlp': GlobalResponseMlp,
    'channel_gated_mlp': ChannelGatedMlp,
    'kolmogorov_arnold': KolmogorovArnold,
    'shifted_mlp': ShiftedMlp,
    'behind_short_conv': ChannelBehindShortConv,
}
