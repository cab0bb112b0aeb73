"""DeiT III (2204.07118): vision transformers with LayerScale, whose class token has no position; also with registers."""

from collections.abc import Mapping

import numpy as np

from arch.config import complete
from arch.published.published import Published
from arch.published.tensors import Tensors
from arch.published.timm_names import by_transformers_names
from arch.published.weight_map import check_kinds, dense, hidden_channels, image_channels, in_form, layer_norm

REFERENCE = 'a DeiT III of timm'


def deit3(
    outputs: int, image: int, patch: int, width: int, depth: int, heads: int, registers: int = 0, scale: float = 1e-4
) -> dict:
    """A DeiT III on squares of `image` pixels a side; `scale`: what LayerScale starts with, 1e-4 in the authors' models."""
    front = {'registers': registers} if registers else {}
    return complete(
        body={'kind': 'isotropic', 'width': width, 'depth': depth, 'causal': False},
        stem={'kind': 'class_token', 'patch': patch, **front},
        position={'kind': 'learned', 'length': (image // patch) ** 2, 'spared': 1 + registers},
        mixer={'kind': 'attention', 'heads': heads, 'biases': 'all'},
        residual={'kind': 'layer_scale', 'initial': scale},
        channel={'kind': 'mlp', 'ratio': 4.0},
        head={'kind': 'first_token_classifier', 'outputs': outputs},
        initial={'kind': 'truncated_normal', 'branch_end': 'same', 'deviation': 0.02},
    )


def from_timm(config: dict, tensors: Mapping[str, np.ndarray]) -> tuple[dict, dict]:
    """Our (params, state) of a `deit3` config from the state dict of a vision transformer of timm with LayerScale.

    Raises ValueError where the config is of another kind, or for missing, misshapen or unused tensors.
    """
    registers = config['stem'].get('registers', 0)
    check_kinds(config, deit3(1, 1, 1, 1, 1, 1, registers), REFERENCE)
    named = by_transformers_names(tensors, ())
    given = Tensors(named)
    width, patch, hidden = config['body']['width'], config['stem']['patch'], hidden_channels(config, config['body']['width'])
    stem = 'embeddings.patch_embeddings.projection'
    tokens = [given.take('cls_token', (1, 1, width))[0]]
    if registers:
        tokens.append(given.take('reg_token', (1, registers, width))[0])
    params = {
        'stem': {
            'patches': {
                'kernel': given.patches(f'{stem}.weight', patch, image_channels(named, f'{stem}.weight'), width),
                'bias': given.take(f'{stem}.bias', (width,)),
            },
            'embedding': np.concatenate(tokens),
        },
        'position': {'embedding': given.take('pos_embed', (1, config['position']['length'], width))[0]},
        'head': {
            'norm': layer_norm(given, 'layernorm', width),
            'head': dense(given, 'classifier', width, config['head']['outputs']),
        },
    }
    for number in range(config['body']['depth']):
        layer = f'blocks.{number}'
        params[f'block_{number}'] = {
            'norm_mixer': layer_norm(given, f'{layer}.layernorm_before', width),
            'mixer': {
                part: dense(given, f'{layer}.attention.{part[0]}_proj', width, width)
                for part in ('query', 'key', 'value', 'output')
            },
            'residual_mixer': {'scale': given.take(f'{layer}.ls1.gamma', (width,))},
            'norm_channel': layer_norm(given, f'{layer}.layernorm_after', width),
            'channel': {
                'up': dense(given, f'{layer}.mlp.fc1', width, hidden),
                'down': dense(given, f'{layer}.mlp.fc2', hidden, width),
            },
            'residual_channel': {'scale': given.take(f'{layer}.ls2.gamma', (width,))},
        }
    given.finish(f'{REFERENCE} of {config["body"]["depth"]} layers of width {width}')
    return in_form(config, params), {}


def _published(size: str, width: int, depth: int, heads: int, registers: int = 0) -> Published:
    behind = f' behind {registers} registers' if registers else ''
    return Published(
        config=deit3(1000, 224, 16, width, depth, heads, registers),
        example=(224, 224, 3),
        paper='2309.16588' if registers else '2204.07118',
        about=f'DeiT III-{size}/16: {depth} layers of width {width} and {heads} heads on patches of 16 pixels{behind}',
        weights=from_timm,
    )


MODELS = {
    'deit3_small_patch16_224': _published('S', 384, 12, 6),
    'deit3_base_patch16_224': _published('B', 768, 12, 12),
    'deit3_large_patch16_224': _published('L', 1024, 24, 16),
    'deit3_small_patch16_reg4_224': _published('S', 384, 12, 6, 4),
    'deit3_base_patch16_reg4_224': _published('B', 768, 12, 12, 4),
}
