"""Swin: transformers over shifted windows (2103.14030), by the names of timm, and weights of transformers or timm."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from arch.config import complete
from arch.published.published import Published
from arch.published.tensors import Tensors
from arch.published.timm_names import by_transformers_names
from arch.published.weight_map import check_kinds, dense, hidden_channels, image_channels, in_form, layer_norm, plain_names

REFERENCE = 'SwinForImageClassification'
OLDER = {
    'attention.self.query': 'attention.q_proj',
    'attention.self.key': 'attention.k_proj',
    'attention.self.value': 'attention.v_proj',
    'attention.self.relative_position': 'attention.relative_position_bias.relative_position',
    'attention.output.dense': 'attention.o_proj',
    'intermediate.dense': 'mlp.fc1',
    'output.dense': 'mlp.fc2',
}
"""Parts of names in files of transformers before its version 5, and what they are called now."""
TIMM = (
    (r'^patch_embed\.norm\.', 'embeddings.norm.'),
    (r'^layers\.', 'encoder.layers.'),
    (r'\.attn\.relative_position', '.attention.relative_position_bias.relative_position'),
)
"""The same of timm."""
PLACES = ('.relative_position_index', '.attn_mask')
"""The row of a bias table for two positions, and whether they see each other: what some files hold beside the weights."""


def swin(
    outputs: int, widths: Sequence[int], depths: Sequence[int], head_size: int = 32, window: int = 7, ratio: float = 4.0
) -> dict:
    """A Swin transformer: stages of an even number of blocks, whose windows shift in every second one."""
    return complete(
        body={'kind': 'hierarchical', 'widths': list(widths), 'depths': list(depths)},
        stem={'kind': 'patchify_norm', 'patch': 4, 'width': 0},
        mixer={'kind': 'shifted_window_attention', 'head_size': head_size, 'window': window, 'biases': 'all'},
        norm={'kind': 'layer_norm', 'eps': 1e-5},
        channel={'kind': 'mlp', 'ratio': ratio},
        downsample={'kind': 'patch_merging', 'factor': 2},
        head={'kind': 'classifier', 'outputs': outputs},
        initial={'kind': 'truncated_normal', 'branch_end': 'same', 'deviation': 0.02},
    )


def rows_first(part: np.ndarray, factor: int) -> np.ndarray:
    """The rows [patch patch C, ...] of a kernel or norm on patches that are cut columns first, for patches cut rows first.

    >>> rows_first(np.arange(4), 2).tolist()
    [0, 2, 1, 3]
    """
    pieces = part.reshape(factor, factor, -1, *part.shape[1:])
    return pieces.swapaxes(0, 1).reshape(part.shape)


def merging_before(named: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """Tensors with each downsample counted to the stage before it, as in older versions of timm."""
    if 'encoder.layers.0.downsample.reduction.weight' in named:
        return named
    return {re.sub(r'^(encoder\.layers\.)(\d+)(\.downsample\.)', _one_less, name): part for name, part in named.items()}


def _one_less(name: re.Match) -> str:
    return f'{name[1]}{int(name[2]) - 1}{name[3]}'


def check_depths(depths: Sequence[int], reference: str) -> None:
    """Raise ValueError where a stage but the last has an odd number of blocks: the reference counts blocks anew in each."""
    if any(depth % 2 for depth in depths[:-1]):
        raise ValueError(
            f'the weights of {reference} are for stages that each begin unshifted; depths={list(depths)} are given, allowed '
            'are even ones but for the last; change body.depths'
        )


def stem_and_head(config: dict, given: Tensors) -> dict:
    """The parameters before and after the stages, with the reference's names for them."""
    widths, patch, stem = config['body']['widths'], config['stem']['patch'], 'embeddings.patch_embeddings.projection'
    inputs = image_channels(given.tensors, f'{stem}.weight')
    return {
        'stem': {
            'patches': {
                'kernel': given.patches(f'{stem}.weight', patch, inputs, widths[0]),
                'bias': given.take(f'{stem}.bias', (widths[0],)),
            },
            'norm': layer_norm(given, 'embeddings.norm', widths[0]),
        },
        'head': {
            'norm': layer_norm(given, 'layernorm', widths[-1]),
            'head': dense(given, 'classifier', widths[-1], config['head']['outputs']),
        },
    }


def from_transformers(config: dict, tensors: Mapping[str, np.ndarray]) -> tuple[dict, dict]:
    """Our (params, state) of a `swin` config from the state dict of SwinForImageClassification of transformers, or of timm.

    Raises ValueError where the config is of another kind, where a stage has an odd number of blocks but the last (the
    reference counts blocks anew in each stage), or for missing, misshapen or unused tensors.
    """
    check_kinds(config, swin(1, [1, 1], [2, 2], 1, 1), REFERENCE)
    widths, depths = config['body']['widths'], config['body']['depths']
    check_depths(depths, REFERENCE)
    named = plain_names(merging_before(by_transformers_names(tensors, TIMM)), 'swin.', OLDER)
    given = Tensors(named, ignored=PLACES)
    factor, mixer = config['downsample']['factor'], config['mixer']
    params = stem_and_head(config, given)
    first = 0
    for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        hidden, table = hidden_channels(config, width), ((2 * mixer['window'] - 1) ** 2, width // mixer['head_size'])
        if stage:
            # The reference counts what leads to a stage to the one before it.
            merging, merged = f'encoder.layers.{stage - 1}.downsample', factor**2 * widths[stage - 1]
            norm = layer_norm(given, f'{merging}.norm', merged)
            merge = dense(given, f'{merging}.reduction', merged, width, bias=False)
            params[f'downsample_{stage}'] = {
                'norm': {leaf: rows_first(part, factor) for leaf, part in norm.items()},
                'merge': {'kernel': rows_first(merge['kernel'], factor)},
            }
        for number in range(depth):
            layer = f'encoder.layers.{stage}.blocks.{number}'
            bias = f'{layer}.attention.relative_position_bias.relative_position_bias_table'
            params[f'block_{first + number}'] = {
                'norm_mixer': layer_norm(given, f'{layer}.layernorm_before', width),
                'mixer': {
                    'query': dense(given, f'{layer}.attention.q_proj', width, width),
                    'key': dense(given, f'{layer}.attention.k_proj', width, width),
                    'value': dense(given, f'{layer}.attention.v_proj', width, width),
                    'output': dense(given, f'{layer}.attention.o_proj', width, width),
                    'bias': given.take(bias, table),
                },
                'norm_channel': layer_norm(given, f'{layer}.layernorm_after', width),
                'channel': {
                    'up': dense(given, f'{layer}.mlp.fc1', width, hidden),
                    'down': dense(given, f'{layer}.mlp.fc2', hidden, width),
                },
            }
        first += depth
    given.finish(f'{REFERENCE} of {list(depths)} blocks of widths {list(widths)}')
    return in_form(config, params), {}


def _published(size: str, width: int, depths: list[int]) -> Published:
    widths = [width * 2**stage for stage in range(4)]
    return Published(
        config=swin(1000, widths, depths),
        example=(224, 224, 3),
        paper='2103.14030',
        about=f'Swin-{size}: {depths} blocks of widths {widths}, windows of 7 positions a side',
        weights=from_transformers,
    )


MODELS = {
    'swin_tiny_patch4_window7_224': _published('T', 96, [2, 2, 6, 2]),
    'swin_small_patch4_window7_224': _published('S', 96, [2, 2, 18, 2]),
    'swin_base_patch4_window7_224': _published('B', 128, [2, 2, 18, 2]),
}
