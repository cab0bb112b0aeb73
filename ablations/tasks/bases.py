"""Bases: complete model configs that studies start from, as plain data. Every socket is filled, every field written out."""

BODY = {'over_depth': 'loop', 'remat': False, 'compute': 'float32'}
"""How a body runs, where a study says nothing else."""


def convnext(outputs: int, patch: int, widths: list[int], depths: list[int], kernel: int) -> dict:
    """A small ConvNeXt (2201.03545) for images: stages of depthwise convolutions with one branch a block.

    Between stages it pools, so that positions are mixed by the mixer and by nothing else.
    """
    return {
        'body': {'kind': 'hierarchical', 'widths': widths, 'depths': depths, **BODY},
        'stem': {'kind': 'patchify_norm', 'patch': patch, 'width': 0},
        'position': {'kind': 'none'},
        'block': {'kind': 'one_branch'},
        'mixer': {'kind': 'depthwise_conv', 'kernel': kernel, 'bias': True},
        'norm': {'kind': 'layer_norm', 'eps': 1e-6},
        'qk_norm': {'kind': 'identity'},
        'residual': {'kind': 'pre'},
        'channel': {'kind': 'mlp', 'ratio': 4.0},
        'activation': {'kind': 'gelu'},
        'downsample': {'kind': 'pool_conv', 'factor': 2},
        'head': {'kind': 'classifier', 'outputs': outputs},
        'initial': {'kind': 'lecun_normal', 'branch_end': 'same'},
    }


def decoder(vocabulary: int, length: int, width: int, depth: int, mixer: dict, ratio: float) -> dict:
    """A small causal model over tokens, norm first, with learned positions: a transformer (1706.03762) if it attends."""
    return {
        'body': {'kind': 'isotropic', 'width': width, 'depth': depth, 'causal': True, **BODY},
        'stem': {'kind': 'tokens', 'vocabulary': vocabulary},
        'position': {'kind': 'learned', 'length': length},
        'block': {'kind': 'two_branch'},
        'mixer': mixer,
        'norm': {'kind': 'layer_norm', 'eps': 1e-6},
        'qk_norm': {'kind': 'identity'},
        'residual': {'kind': 'pre'},
        'channel': {'kind': 'mlp', 'ratio': ratio},
        'activation': {'kind': 'gelu'},
        'downsample': {'kind': 'none'},
        'head': {'kind': 'next_token', 'outputs': vocabulary, 'bias': True},
        'initial': {'kind': 'lecun_normal', 'branch_end': 'same'},
    }


def vit(outputs: int, patch: int, length: int, width: int, depth: int, heads: int) -> dict:
    """A small vision transformer (2010.11929) that averages its positions."""
    return {
        **decoder(outputs, length, width, depth, {'kind': 'attention', 'heads': heads, 'biases': 'needed'}, 4.0),
        'body': {'kind': 'isotropic', 'width': width, 'depth': depth, 'causal': False, **BODY},
        'stem': {'kind': 'patchify', 'patch': patch},
        'head': {'kind': 'classifier', 'outputs': outputs},
    }


def waveform(outputs: int, kernel: int, factor: int, width: int, depth: int, mixer: dict) -> dict:
    """A small model over samples [N, 1] that begins with one convolution and averages its positions."""
    return {
        **decoder(outputs, 1, width, depth, mixer, 4.0),
        'body': {'kind': 'isotropic', 'width': width, 'depth': depth, 'causal': False, **BODY},
        'stem': {'kind': 'waveform', 'kernel': kernel, 'factor': factor},
        'position': {'kind': 'none'},
        'block': {'kind': 'one_branch'},
        'head': {'kind': 'classifier', 'outputs': outputs},
    }
