"""Swin V2: Swin with cosine attention and norms at the ends of branches (2111.09883), and weights of transformers or timm."""

from collections.abc import Mapping, Sequence

import numpy as np

from arch.config import complete
from arch.mixers.continuous_position_bias import HIDDEN
from arch.published import swin
from arch.published.published import Published
from arch.published.tensors import Tensors
from arch.published.timm_names import by_transformers_names
from arch.published.weight_map import check_kinds, dense, hidden_channels, in_form, layer_norm, plain_names

REFERENCE = 'Swinv2ForImageClassification'
OWN = {
    'attention.self.logit_scale': 'attention.logit_scale',
    'attention.self.continuous_position_bias_mlp': 'attention.continuous_position_bias_mlp',
}
"""Parts of names in files of transformers, and what they are called here."""
TIMM = (
    (r'^patch_embed\.norm\.', 'embeddings.norm.'),
    (r'^layers\.', 'encoder.layers.'),
    (r'\.attn\.([qv])_bias$', r'.attention.\1_proj.bias'),
    (r'\.attn\.logit_scale', '.attention.logit_scale'),
    (r'\.attn\.cpb_mlp\.', '.attention.continuous_position_bias_mlp.'),
)
"""The same of timm."""
COORDINATES = ('.relative_position_index', '.relative_coords_table', '.attn_mask')
"""What some files hold beside the weights: it follows from the sizes."""


def swin_v2(
    outputs: int,
    widths: Sequence[int],
    depths: Sequence[int],
    head_size: int = 32,
    window: int = 8,
    ratio: float = 4.0,
    pretrained_window: int = 0,
) -> dict:
    """A Swin V2 transformer: stages of an even number of blocks, whose windows shift in every second one.

    The paper's code starts the norms at the ends of branches with a scale of 0, this config with 1.
    """
    before = {'pretrained_window': pretrained_window} if pretrained_window else {}
    cosine = {'biases': 'needed', 'scores': 'cosine', 'bias': 'network', **before}
    return complete(
        body={'kind': 'hierarchical', 'widths': list(widths), 'depths': list(depths)},
        stem={'kind': 'patchify_norm', 'patch': 4, 'width': 0},
        mixer={'kind': 'shifted_window_attention', 'head_size': head_size, 'window': window, **cosine},
        norm={'kind': 'layer_norm', 'eps': 1e-5},
        residual={'kind': 'res_post'},
        channel={'kind': 'mlp', 'ratio': ratio},
        downsample={'kind': 'patch_merging', 'factor': 2, 'norm': 'after'},
        head={'kind': 'classifier', 'outputs': outputs},
        initial={'kind': 'truncated_normal', 'branch_end': 'same', 'deviation': 0.02},
    )


def from_transformers(config: dict, tensors: Mapping[str, np.ndarray]) -> tuple[dict, dict]:
    """Our (params, state) of a `swin_v2` config from the state dict of Swinv2ForImageClassification, or of timm.

    Scores are the reference's where windows divide all maps; elsewhere it gives weight to the padding. Raises ValueError
    where the config is of another kind, where a stage has an odd number of blocks but the last, or for missing, misshapen or
    unused tensors.
    """
    check_kinds(config, swin_v2(1, [1, 1], [2, 2], 1, 1, pretrained_window=2), REFERENCE)
    widths, depths = config['body']['widths'], config['body']['depths']
    swin.check_depths(depths, REFERENCE)
    older = {**{old: new for old, new in swin.OLDER.items() if 'relative' not in old}, **OWN}
    named = plain_names(swin.merging_before(by_transformers_names(tensors, TIMM)), 'swinv2.', older)
    given = Tensors(named, ignored=COORDINATES)
    factor = config['downsample']['factor']
    params, first = swin.stem_and_head(config, given), 0
    for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        if stage:
            merging, merged = f'encoder.layers.{stage - 1}.downsample', factor**2 * widths[stage - 1]
            merge = dense(given, f'{merging}.reduction', merged, width, bias=False)
            params[f'downsample_{stage}'] = {
                'merge': {'kernel': swin.rows_first(merge['kernel'], factor)},
                'norm': layer_norm(given, f'{merging}.norm', width),
            }
        for number in range(depth):
            layer, hidden = f'encoder.layers.{stage}.blocks.{number}', hidden_channels(config, width)
            params[f'block_{first + number}'] = {
                'mixer': _attention(given, f'{layer}.attention', width, width // config['mixer']['head_size']),
                'norm_mixer': layer_norm(given, f'{layer}.layernorm_before', width),
                'channel': {
                    'up': dense(given, f'{layer}.mlp.fc1', width, hidden),
                    'down': dense(given, f'{layer}.mlp.fc2', hidden, width),
                },
                'norm_channel': layer_norm(given, f'{layer}.layernorm_after', width),
            }
        first += depth
    given.finish(f'{REFERENCE} of {list(depths)} blocks of widths {list(widths)}')
    return in_form(config, params), {}


def _attention(given: Tensors, name: str, width: int, heads: int) -> dict:
    network = f'{name}.continuous_position_bias_mlp'
    return {
        'query': dense(given, f'{name}.q_proj', width, width),
        'key': dense(given, f'{name}.k_proj', width, width, bias=False),
        'value': dense(given, f'{name}.v_proj', width, width),
        'output': dense(given, f'{name}.o_proj', width, width),
        'scale': given.take(f'{name}.logit_scale', (heads, 1, 1)).reshape(heads),
        'position_bias': {
            'up': dense(given, f'{network}.0', 2, HIDDEN),
            'down': dense(given, f'{network}.2', HIDDEN, heads, bias=False),
        },
    }


def _published(size: str, width: int, depths: list[int]) -> Published:
    widths = [width * 2**stage for stage in range(4)]
    return Published(
        config=swin_v2(1000, widths, depths),
        example=(256, 256, 3),
        paper='2111.09883',
        about=f'Swin V2-{size}: {depths} blocks of widths {widths}, windows of 8 positions a side',
        weights=from_transformers,
    )


MODELS = {
    'swinv2_tiny_patch4_window8_256': _published('T', 96, [2, 2, 6, 2]),
    'swinv2_small_patch4_window8_256': _published('S', 96, [2, 2, 18, 2]),
    'swinv2_base_patch4_window8_256': _published('B', 128, [2, 2, 18, 2]),
}
