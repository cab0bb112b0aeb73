"""Mixers: move information between positions. `(x, context)`, positions in the middle axes, channels last.

A mixer takes sequences `[B, N, C] -> [B, N, C]` and maps `[B, H, W, C] -> [B, H, W, C]`; in a causal body it takes
sequences only and token n sees tokens up to n.
"""

from arch.mixers.attention import Attention
from arch.mixers.behind_short_conv import BehindShortConv
from arch.mixers.block_sparse_attention import BlockSparseAttention
from arch.mixers.conv import Conv
from arch.mixers.cross_attention import CrossAttention
from arch.mixers.delta_rule import DeltaRule, GatedDeltaRule
from arch.mixers.depthwise_conv import DepthwiseConv
from arch.mixers.differential_attention import DifferentialAttention
from arch.mixers.fourier import Fourier
from arch.mixers.gated_linear_attention import GatedLinearAttention
from arch.mixers.gated_recurrence import GatedRecurrence
from arch.mixers.grouped_query_attention import GroupedQueryAttention
from arch.mixers.hyena import Hyena
from arch.mixers.identity import Identity
from arch.mixers.kimi_delta_attention import KimiDeltaAttention
from arch.mixers.latent_attention import LatentAttention
from arch.mixers.linear_attention import LinearAttention
from arch.mixers.native_sparse_attention import NativeSparseAttention
from arch.mixers.pool import Pool
from arch.mixers.random_mixing import RandomMixing
from arch.mixers.retention import Retention
from arch.mixers.rwkv6 import Rwkv6
from arch.mixers.rwkv7 import Rwkv7
from arch.mixers.selective_state_space import SelectiveStateSpace
from arch.mixers.separable_conv import SeparableConv
from arch.mixers.shifted_window_attention import ShiftedWindowAttention
from arch.mixers.side_by_side import SideBySide
from arch.mixers.sliding_window_attention import SlidingWindowAttention
from arch.mixers.state_space_duality import StateSpaceDuality
from arch.mixers.token_mlp import TokenMlp

MIXERS = {
    'attention': Attention,
    'grouped_query_attention': GroupedQueryAttention,
    'sliding_window_attention': SlidingWindowAttention,
    'shifted_window_attention': ShiftedWindowAttention,
    'block_sparse_attention': BlockSparseAttention,
    'native_sparse_attention': NativeSparseAttention,
    'cross_attention': CrossAttention,
    'differential_attention': DifferentialAttention,
    'latent_attention': LatentAttention,
    'linear_attention': LinearAttention,
    'gated_linear_attention': GatedLinearAttention,
    'retention': Retention,
    'delta_rule': DeltaRule,
    'gated_delta_rule': GatedDeltaRule,
    'kimi_delta_attention': KimiDeltaAttention,
    'rwkv6': Rwkv6,
    'rwkv7': Rwkv7,
    'gated_recurrence': GatedRecurrence,
    'selective_state_space': SelectiveStateSpace,
    'state_space_duality': StateSpaceDuality,
    'hyena': Hyena,
    'token_mlp': TokenMlp,
    'conv': Conv,
    'depthwise_conv': DepthwiseConv,
    'separable_conv': SeparableConv,
    'pool': Pool,
    'random_mixing': RandomMixing,
    'fourier': Fourier,
    'side_by_side': SideBySide,
    'behind_short_conv': BehindShortConv,
    'identity': Identity,
}
