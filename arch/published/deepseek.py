"""DeepSeek-V3 (2412.19437) in small: latent attention and experts in its form, at a size of our own.

The paper trains 61 layers of width 7168 and 256 experts; no small model of this form is published. Its second head, for the
token after the next, is left out here: it reads that token's embedding too, which head 'multi_next_token' does not.
"""

from arch.published.decoders import CONTEXT, decoder
from arch.published.published import Published


def deepseek_v3(
    vocabulary: int,
    width: int,
    depth: int,
    dense: int,
    mixer: dict[str, int],
    hidden: int,
    expert_hidden: int,
    experts: dict[str, int],
) -> dict:
    """A decoder whose first `dense` layers have `hidden` channels, and all others experts of `expert_hidden`.

    `mixer` has the sizes of latent attention, `experts` the numbers of experts, of those chosen and shared, and of groups. As
    in the paper gates are sigmoids that sum to 2.5, biases move by 0.001 against the load, and each sequence is balanced by a
    loss of weight 0.0001; kernels have deviation 0.006.
    """
    config = decoder(
        vocabulary,
        width,
        depth,
        {'kind': 'latent_attention', **mixer},
        hidden,
        channel={
            'kind': 'mixture_of_experts',
            'ratio': expert_hidden / width,
            'gated': True,
            'scoring': 'sigmoid',
            'scale': 2.5,
            'bias_step': 0.001,
            'balance': 0.0001,
            'balance_over': 'example',
            'router_z': 0.0,
            **experts,
        },
        head={'kind': 'next_token', 'outputs': vocabulary, 'bias': False},
        initial={'kind': 'normal', 'branch_end': 'same', 'deviation': 0.006},
    )
    config['body']['stack'] = [{'at': 'first', 'times': dense, 'channel': {'kind': 'gated', 'ratio': hidden / width}}]
    return config


SMALL = deepseek_v3(
    vocabulary=32768,
    width=512,
    depth=12,
    dense=1,
    mixer={'heads': 8, 'head_size': 64, 'turned': 32, 'latent': 128, 'query_latent': 384, 'value_size': 64},
    hidden=1536,
    expert_hidden=512,
    experts={'experts': 16, 'top': 2, 'shared': 1, 'groups': 4, 'top_groups': 2},
)
"""As in the paper, the experts that a token meets (two of its own and a shared one) have as many channels as a dense layer."""

MODELS = {
    'deepseek_v3_small': Published(
        SMALL,
        CONTEXT,
        '2412.19437',
        "DeepSeek-V3's form at a size of our own: 12 layers of width 512, 2 of 16 experts and a shared one",
    ),
}
