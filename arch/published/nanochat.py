"""nanochat: causal transformers of one number, the depth, whose norms have no parameters.

The architecture is that of the first version of the repository karpathy/nanochat (2025), file nanochat/gpt.py: a layer of depth
d is 64 d channels wide, and a head has 128 channels.
"""

from arch.published.decoders import CONTEXT, decoder
from arch.published.published import Published

VOCABULARY = 65536
SOURCE = 'github.com/karpathy/nanochat'
NORM = {'kind': 'rms_norm', 'eps': 2.0**-23, 'scale': False}
"""Its eps is PyTorch's default, the machine epsilon of the type, here that of float32."""


def nanochat(depth: int, vocabulary: int = VOCABULARY) -> dict:
    """A nanochat of this depth: embeddings, queries and keys normed, squared ReLU, scores within 15.

    There queries and keys turn before they are normed, which is the same without a scale. It starts the head at 0 and
    embeddings, which a norm follows, with deviation 1; kernels, as here, with variance 1 / fan-in and ends of branches at 0.
    """
    width = 64 * depth
    return decoder(
        vocabulary,
        width,
        depth,
        {'kind': 'attention', 'heads': -(-width // 128), 'biases': 'none'},
        4 * width,
        stem={'kind': 'normed_tokens', 'vocabulary': vocabulary},
        norm=NORM,
        qk_norm=NORM,
        channel={'kind': 'mlp', 'ratio': 4.0, 'bias': False},
        activation={'kind': 'squared_relu'},
        head={'kind': 'next_token', 'outputs': vocabulary, 'bias': False, 'softcap': 15.0},
        initial={'kind': 'lecun_normal', 'branch_end': 'zero'},
    )


MODELS = {
    f'nanochat_d{depth}': Published(
        nanochat(depth), CONTEXT, SOURCE, f'nanochat d{depth}: {depth} layers of width {64 * depth}, norms without parameters'
    )
    for depth in (12, 16, 20)
}
