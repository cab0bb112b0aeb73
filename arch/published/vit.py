"""ViT: vision transformers (2010.11929) by the names of timm, and their weights from transformers or timm."""

from collections.abc import Mapping

import numpy as np

from arch.config import complete
from arch.published.published import Published
from arch.published.tensors import Tensors
from arch.published.timm_names import by_transformers_names
from arch.published.weight_map import check_kinds, dense, hidden_channels, image_channels, in_form, layer_norm, plain_names

REFERENCE = 'ViTForImageClassification'
OLDER = {
    'encoder.layer.': 'layers.',
    'attention.attention.query': 'attention.q_proj',
    'attention.attention.key': 'attention.k_proj',
    'attention.attention.value': 'attention.v_proj',
    'attention.output.dense': 'attention.o_proj',
    'intermediate.dense': 'mlp.fc1',
    'output.dense': 'mlp.fc2',
}
"""Parts of names in files of transformers before its version 5, and what they are called now."""
TIMM = ((r'^cls_token$', 'embeddings.cls_token'), (r'^pos_embed$', 'embeddings.position_embeddings'), (r'^blocks\.', 'layers.'))
"""The same of timm."""


def vit(outputs: int, image: int, patch: int, width: int, depth: int, heads: int, ratio: float = 4.0) -> dict:
    """A vision transformer on squares of `image` pixels a side: a class token in front, its position the classifier's."""
    return complete(
        body={'kind': 'isotropic', 'width': width, 'depth': depth, 'causal': False},
        stem={'kind': 'class_token', 'patch': patch},
        position={'kind': 'learned', 'length': 1 + (image // patch) ** 2},
        mixer={'kind': 'attention', 'heads': heads, 'biases': 'all'},
        channel={'kind': 'mlp', 'ratio': ratio},
        head={'kind': 'first_token_classifier', 'outputs': outputs},
        initial={'kind': 'truncated_normal', 'branch_end': 'same', 'deviation': 0.02},
    )


def from_transformers(config: dict, tensors: Mapping[str, np.ndarray]) -> tuple[dict, dict]:
    """Our (params, state) of a `vit` config from the state dict of ViTForImageClassification of transformers, or of timm.

    Raises ValueError where the config is of another kind, or for missing, misshapen or unused tensors.
    """
    check_kinds(config, vit(1, 1, 1, 1, 1, 1), REFERENCE)
    named = plain_names(by_transformers_names(tensors, TIMM), 'vit.', OLDER)
    given = Tensors(named)
    width, patch = config['body']['width'], config['stem']['patch']
    hidden = hidden_channels(config, width)
    stem = 'embeddings.patch_embeddings.projection'
    inputs = image_channels(named, f'{stem}.weight')
    params = {
        'stem': {
            'patches': {
                'kernel': given.patches(f'{stem}.weight', patch, inputs, width),
                'bias': given.take(f'{stem}.bias', (width,)),
            },
            'embedding': given.take('embeddings.cls_token', (1, 1, width))[0],
        },
        'position': {
            'embedding': given.take('embeddings.position_embeddings', (1, config['position']['length'], width))[0],
        },
        'head': {
            'norm': layer_norm(given, 'layernorm', width),
            'head': dense(given, 'classifier', width, config['head']['outputs']),
        },
    }
    for number in range(config['body']['depth']):
        layer = f'layers.{number}'
        params[f'block_{number}'] = {
            'norm_mixer': layer_norm(given, f'{layer}.layernorm_before', width),
            'mixer': {
                'query': dense(given, f'{layer}.attention.q_proj', width, width),
                'key': dense(given, f'{layer}.attention.k_proj', width, width),
                'value': dense(given, f'{layer}.attention.v_proj', width, width),
                'output': dense(given, f'{layer}.attention.o_proj', width, width),
            },
            'norm_channel': layer_norm(given, f'{layer}.layernorm_after', width),
            'channel': {
                'up': dense(given, f'{layer}.mlp.fc1', width, hidden),
                'down': dense(given, f'{layer}.mlp.fc2', hidden, width),
            },
        }
    given.finish(f'{REFERENCE} of {config["body"]["depth"]} layers of width {width}')
    return in_form(config, params), {}


def _published(size: str, patch: int, width: int, depth: int, heads: int) -> Published:
    return Published(
        config=vit(1000, 224, patch, width, depth, heads),
        example=(224, 224, 3),
        paper='2010.11929',
        about=f'ViT-{size}/{patch}: {depth} layers of width {width} and {heads} heads on patches of {patch} pixels',
        weights=from_transformers,
    )


MODELS = {
    'vit_tiny_patch16_224': _published('Ti', 16, 192, 12, 3),
    'vit_small_patch16_224': _published('S', 16, 384, 12, 6),
    'vit_base_patch16_224': _published('B', 16, 768, 12, 12),
    'vit_base_patch32_224': _published('B', 32, 768, 12, 12),
    'vit_large_patch16_224': _published('L', 16, 1024, 24, 16),
}
