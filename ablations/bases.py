"""Bases: complete model configs that studies start from, as plain data. Every socket is filled, every field written out."""


def convnext(outputs: int, patch: int, widths: list[int], depths: list[int], kernel: int) -> dict:
    """A small ConvNeXt (2201.03545) for images: stages of depthwise convolutions with one branch a block.

    Between stages it pools, so that positions are mixed by the mixer and by nothing else.
    """
    return {
        'body': {'kind': 'hierarchical', 'widths': widths, 'depths': depths},
        'stem': {'kind': 'patchify', 'patch': patch},
        'position': {'kind': 'none'},
        'block': {'kind': 'one_branch'},
        'mixer': {'kind': 'depthwise_conv', 'kernel': kernel},
        'norm': {'kind': 'layer_norm', 'eps': 1e-6},
        'residual': {'kind': 'pre'},
        'channel': {'kind': 'mlp', 'ratio': 4.0},
        'activation': {'kind': 'gelu'},
        'downsample': {'kind': 'pool_conv', 'factor': 2},
        'head': {'kind': 'classifier', 'outputs': outputs},
    }


def decoder(vocabulary: int, length: int, width: int, depth: int, mixer: dict, ratio: float) -> dict:
    """A small causal model over tokens, norm first, with learned positions: a transformer (1706.03762) if it attends."""
    return {
        'body': {'kind': 'isotropic', 'width': width, 'depth': depth, 'causal': True},
        'stem': {'kind': 'tokens', 'vocabulary': vocabulary},
        'position': {'kind': 'learned', 'length': length},
        'block': {'kind': 'two_branch'},
        'mixer': mixer,
        'norm': {'kind': 'layer_norm', 'eps': 1e-6},
        'residual': {'kind': 'pre'},
        'channel': {'kind': 'mlp', 'ratio': ratio},
        'activation': {'kind': 'gelu'},
        'downsample': {'kind': 'none'},
        'head': {'kind': 'next_token', 'outputs': vocabulary},
    }


def vit(outputs: int, patch: int, length: int, width: int, depth: int, heads: int) -> dict:
    """A small vision transformer (2010.11929) that averages its positions."""
    return {
        **decoder(outputs, length, width, depth, {'kind': 'attention', 'heads': heads}, 4.0),
        'body': {'kind': 'isotropic', 'width': width, 'depth': depth, 'causal': False},
        'stem': {'kind': 'patchify', 'patch': patch},
        'head': {'kind': 'classifier', 'outputs': outputs},
    }
