"""ConvNeXt (2201.03545): stages, and isotropic as its section on ViT-like models has it."""

from collections.abc import Mapping, Sequence

import numpy as np

from arch.config import complete
from arch.published.published import Published
from arch.published.tensors import Tensors
from arch.published.weight_map import check_kinds, dense, hidden_channels, in_form, layer_norm

TRANSFORMERS = {
    'stem': 'convnext.embeddings.patch_embeddings',
    'stem_norm': 'convnext.embeddings.layernorm',
    'downsample_norm': 'convnext.encoder.stages.{stage}.downsampling_layer.0',
    'downsample': 'convnext.encoder.stages.{stage}.downsampling_layer.1',
    'mixer': 'convnext.encoder.stages.{stage}.layers.{number}.dwconv',
    'norm': 'convnext.encoder.stages.{stage}.layers.{number}.layernorm',
    'up': 'convnext.encoder.stages.{stage}.layers.{number}.pwconv1',
    'down': 'convnext.encoder.stages.{stage}.layers.{number}.pwconv2',
    'scale': 'convnext.encoder.stages.{stage}.layers.{number}.layer_scale_parameter',
    'head_norm': 'convnext.layernorm',
    'head': 'classifier',
}
"""What ConvNextForImageClassification of transformers calls its layers."""
TIMM = {
    'stem': 'stem.0',
    'stem_norm': 'stem.1',
    'downsample_norm': 'stages.{stage}.downsample.0',
    'downsample': 'stages.{stage}.downsample.1',
    'mixer': 'stages.{stage}.blocks.{number}.conv_dw',
    'norm': 'stages.{stage}.blocks.{number}.norm',
    'up': 'stages.{stage}.blocks.{number}.mlp.fc1',
    'down': 'stages.{stage}.blocks.{number}.mlp.fc2',
    'scale': 'stages.{stage}.blocks.{number}.gamma',
    'head_norm': 'head.norm',
    'head': 'head.fc',
}
"""What timm calls them."""


def convnext(widths: Sequence[int], depths: Sequence[int], outputs: int = 1000) -> dict:
    """A ConvNeXt: patches of 4, a norm before each resolution changes and before the classes, layer scale from 1e-6."""
    return complete(
        body={'kind': 'hierarchical', 'widths': list(widths), 'depths': list(depths)},
        stem={'kind': 'patchify_norm', 'patch': 4, 'width': 0},
        block={'kind': 'one_branch'},
        mixer={'kind': 'depthwise_conv', 'kernel': 7, 'bias': True},
        residual={'kind': 'layer_scale', 'initial': 1e-6},
        downsample={'kind': 'separate_conv', 'factor': 2},
        head={'kind': 'pooled_norm_classifier', 'outputs': outputs},
        initial={'kind': 'truncated_normal', 'branch_end': 'same', 'deviation': 0.02},
    )


def convnext_isotropic(width: int, depth: int, outputs: int = 1000) -> dict:
    """A ConvNeXt of one resolution: patches of 16 without a norm, and no layer scale, as its authors' code has it."""
    body = {'kind': 'isotropic', 'width': width, 'depth': depth, 'causal': False}
    changes = {'stem': {'kind': 'patchify', 'patch': 16}, 'residual': {'kind': 'pre'}, 'downsample': {'kind': 'none'}}
    return complete(**{**convnext([], [], outputs), 'body': body, **changes})


def from_transformers(config: dict, tensors: Mapping[str, np.ndarray]) -> tuple[dict, dict]:
    """Parameters and (empty) statistics from the state dict of transformers' ConvNextForImageClassification.

    Its config must say `layer_norm_eps=1e-6`, which is the eps of the norm before the classes: the library's default is
    1e-12, the paper's code has 1e-6 throughout. Raises ValueError for a config that no such model has, and for tensors that
    are missing, misshapen or left over.
    """
    return _mapped(config, tensors, TRANSFORMERS)


def from_timm(config: dict, tensors: Mapping[str, np.ndarray]) -> tuple[dict, dict]:
    """Parameters and (empty) statistics from the state dict of a ConvNeXt of timm, with the same errors."""
    return _mapped(config, tensors, TIMM)


def weights(config: dict, tensors: Mapping[str, np.ndarray]) -> tuple[dict, dict]:
    """Parameters and (empty) statistics from either, told apart by the name of the stem's kernel."""
    return _mapped(config, tensors, TIMM if f'{TIMM["stem"]}.weight' in tensors else TRANSFORMERS)


def _mapped(config: dict, tensors: Mapping[str, np.ndarray], names: Mapping[str, str]) -> tuple[dict, dict]:
    like = convnext([], [])
    if config['residual']['kind'] == 'pre':  # the reference leaves the scale out where it would start at 0
        like['residual'] = {'kind': 'pre'}
    check_kinds(config, like, 'a ConvNeXt')
    given = Tensors(tensors)

    def patches(name: str, patch: int, inputs: int, outputs: int) -> dict:
        kernel = given.patches(f'{name}.weight', patch, inputs, outputs)
        return {'kernel': kernel, 'bias': given.take(f'{name}.bias', (outputs,))}

    widths, depths = config['body']['widths'], config['body']['depths']
    kernel, inputs = config['mixer']['kernel'], config['stem']['width'] or widths[0]
    image = given.size(f'{names["stem"]}.weight', 1, 3)
    stem = patches(names['stem'], config['stem']['patch'], image, inputs)
    params = {'stem': {'patches': stem, 'norm': layer_norm(given, names['stem_norm'], inputs)}}
    layer = 0
    for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        if stage:
            here = {part: name.format(stage=stage, number=0) for part, name in names.items()}
            params[f'downsample_{stage}'] = {
                'norm': layer_norm(given, here['downsample_norm'], inputs),
                'patches': patches(here['downsample'], config['downsample']['factor'], inputs, width),
            }
        for number in range(depth):
            here = {part: name.format(stage=stage, number=number) for part, name in names.items()}
            hidden = hidden_channels(config, width)
            filters = given.depthwise(f'{here["mixer"]}.weight', kernel, width)
            block = {
                'mixer': {'depthwise': {'kernel': filters, 'bias': given.take(f'{here["mixer"]}.bias', (width,))}},
                'norm': layer_norm(given, here['norm'], width),
                'channel': {'up': dense(given, here['up'], width, hidden), 'down': dense(given, here['down'], hidden, width)},
            }
            if config['residual']['kind'] == 'layer_scale':
                block['residual'] = {'scale': given.take(here['scale'], (width,))}
            params[f'block_{layer}'] = block
            layer += 1
        inputs = width
    params['head'] = {
        'norm': layer_norm(given, names['head_norm'], inputs),
        'head': dense(given, names['head'], inputs, config['head']['outputs']),
    }
    given.finish(f'a ConvNeXt of widths {list(widths)} and depths {list(depths)}')
    return in_form(config, params), {}


def _published(config: dict, about: str, mapped: bool) -> Published:
    return Published(config, (224, 224, 3), '2201.03545', about, weights if mapped else None)


def convnext_v2(widths: Sequence[int], depths: Sequence[int], outputs: int = 1000) -> dict:
    """A ConvNeXt V2 (2301.00808): global response normalisation between the products, and no layer scale."""
    changes = {'channel': {'kind': 'global_response_mlp', 'ratio': 4.0}, 'residual': {'kind': 'pre'}}
    return complete(**{**convnext(widths, depths, outputs), **changes})


SMALL = {
    'atto': ([40, 80, 160, 320], [2, 2, 6, 2], '3.7 M', '3.7 M'),
    'femto': ([48, 96, 192, 384], [2, 2, 6, 2], '5.2 M', '5.2 M'),
    'pico': ([64, 128, 256, 512], [2, 2, 6, 2], '9.1 M', '9.1 M'),
    'nano': ([80, 160, 320, 640], [2, 2, 8, 2], '15.6 M', '15.6 M'),
}
"""Widths and depths of the sizes below tiny, which V2 has brought (2301.00808, appendix), and the sizes of V1 and V2."""


def _published_v2(config: dict, about: str) -> Published:
    return Published(config, (224, 224, 3), '2301.00808', about, None)


MODELS = {
    **{
        f'convnext_{size}': _published(convnext(widths, depths), f'ConvNeXt-{size.title()}, {first} parameters', True)
        for size, (widths, depths, first, _) in SMALL.items()
    },
    **{
        f'convnext_v2_{size}': _published_v2(convnext_v2(widths, depths), f'ConvNeXt V2-{size.title()}, {second} parameters')
        for size, (widths, depths, _, second) in SMALL.items()
    },
    'convnext_v2_tiny': _published_v2(convnext_v2([96, 192, 384, 768], [3, 3, 9, 3]), 'ConvNeXt V2-Tiny, 28.6 M parameters'),
    'convnext_v2_base': _published_v2(convnext_v2([128, 256, 512, 1024], [3, 3, 27, 3]), 'ConvNeXt V2-Base, 89 M parameters'),
    'convnext_tiny': _published(convnext([96, 192, 384, 768], [3, 3, 9, 3]), 'ConvNeXt-T, 28.6 M parameters', True),
    'convnext_small': _published(convnext([96, 192, 384, 768], [3, 3, 27, 3]), 'ConvNeXt-S, 50.2 M parameters', True),
    'convnext_base': _published(convnext([128, 256, 512, 1024], [3, 3, 27, 3]), 'ConvNeXt-B, 88.6 M parameters', True),
    'convnext_large': _published(convnext([192, 384, 768, 1536], [3, 3, 27, 3]), 'ConvNeXt-L, 198 M parameters', True),
    'convnext_isotropic_small': _published(convnext_isotropic(384, 18), 'ConvNeXt-S of one resolution, 22.3 M', False),
    'convnext_isotropic_base': _published(convnext_isotropic(768, 18), 'ConvNeXt-B of one resolution, 87.1 M', False),
    'convnext_isotropic_large': _published(convnext_isotropic(1024, 36), 'ConvNeXt-L of one resolution, 306 M', False),
}
