"""Models that keep a transformer's frame and change its mixer: MLP-Mixer (2105.01601), PoolFormer (2111.11418), and ConvMixer.

ConvMixer (2201.09792) goes further: two kinds of convolution at one resolution are the whole model.
"""

from collections.abc import Sequence

from arch.config import complete
from arch.published.published import Published

IMAGENET = (224, 224, 3)


def mlp_mixer(width: int, depth: int, patch: int, tokens: int, channels: int, outputs: int = 1000) -> dict:
    """An MLP-Mixer; `tokens`, `channels`: the hidden sizes of its two MLPs."""
    return complete(
        body={'kind': 'isotropic', 'width': width, 'depth': depth, 'causal': False},
        stem={'kind': 'patchify', 'patch': patch},
        mixer={'kind': 'token_mlp', 'ratio': tokens / width},
        channel={'kind': 'mlp', 'ratio': channels / width},
        head={'kind': 'classifier', 'outputs': outputs},
    )


def poolformer(widths: Sequence[int], depths: Sequence[int], scale: float = 1e-5, outputs: int = 1000) -> dict:
    """A PoolFormer: mean over 3 x 3 positions less the position itself, group norm of one group, layer scale."""
    return complete(
        body={'kind': 'hierarchical', 'widths': list(widths), 'depths': list(depths)},
        stem={'kind': 'strided_conv', 'kernel': 7, 'factor': 4, 'after': 'nothing'},
        mixer={'kind': 'pool', 'window': 3},
        norm={'kind': 'group_norm', 'groups': 1, 'eps': 1e-5},
        residual={'kind': 'layer_scale', 'initial': scale},
        downsample={'kind': 'strided_conv', 'kernel': 3, 'factor': 2, 'norm': False},
        head={'kind': 'classifier', 'outputs': outputs},
        initial={'kind': 'truncated_normal', 'branch_end': 'same', 'deviation': 0.02},
    )


def conv_mixer(width: int, depth: int, kernel: int, patch: int, outputs: int = 1000) -> dict:
    """A ConvMixer: a depthwise convolution in a residual branch, then a product, each with an activation and a norm."""
    return complete(
        body={'kind': 'isotropic', 'width': width, 'depth': depth, 'causal': False},
        stem={'kind': 'strided_conv', 'kernel': patch, 'factor': patch, 'after': 'activation'},
        block={'kind': 'conv_mixer'},
        mixer={'kind': 'depthwise_conv', 'kernel': kernel, 'bias': True},
        norm={'kind': 'batch_norm', 'eps': 1e-5, 'momentum': 0.9},
        head={'kind': 'pooled_classifier', 'outputs': outputs},
    )


def _published(config: dict, paper: str, about: str) -> Published:
    return Published(config, IMAGENET, paper, about, None)


MODELS = {
    'mlp_mixer_s16': _published(mlp_mixer(512, 8, 16, 256, 2048), '2105.01601', 'MLP-Mixer S/16, 18.5 M parameters'),
    'mlp_mixer_b16': _published(mlp_mixer(768, 12, 16, 384, 3072), '2105.01601', 'MLP-Mixer B/16, 59.9 M parameters'),
    'poolformer_s12': _published(
        poolformer([64, 128, 320, 512], [2, 2, 6, 2]), '2111.11418', 'PoolFormer-S12, 11.9 M parameters'
    ),
    'poolformer_s24': _published(
        poolformer([64, 128, 320, 512], [4, 4, 12, 4]), '2111.11418', 'PoolFormer-S24, 21.4 M parameters'
    ),
    'conv_mixer_768_32': _published(conv_mixer(768, 32, 7, 7), '2201.09792', 'ConvMixer-768/32, 21.1 M parameters'),
    'conv_mixer_1536_20': _published(conv_mixer(1536, 20, 9, 7), '2201.09792', 'ConvMixer-1536/20, 51.6 M parameters'),
}
