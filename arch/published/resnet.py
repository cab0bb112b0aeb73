"""ResNet (1512.03385) with the stride in the 3 x 3 convolution, as today's implementations have it ("v1.5")."""

from collections.abc import Mapping, Sequence

import numpy as np

from arch.config import complete
from arch.published.published import Published
from arch.published.tensors import Tensors
from arch.published.weight_map import check_kinds, dense, in_form

TRANSFORMERS = {
    'stem': 'resnet.embedder.embedder.convolution',
    'stem_norm': 'resnet.embedder.embedder.normalization',
    'shortcut': 'resnet.encoder.stages.{stage}.layers.0.shortcut.convolution',
    'shortcut_norm': 'resnet.encoder.stages.{stage}.layers.0.shortcut.normalization',
    'reduce': 'resnet.encoder.stages.{stage}.layers.{number}.layer.0.convolution',
    'norm_reduce': 'resnet.encoder.stages.{stage}.layers.{number}.layer.0.normalization',
    'mixer': 'resnet.encoder.stages.{stage}.layers.{number}.layer.1.convolution',
    'norm_mixer': 'resnet.encoder.stages.{stage}.layers.{number}.layer.1.normalization',
    'expand': 'resnet.encoder.stages.{stage}.layers.{number}.layer.2.convolution',
    'norm_expand': 'resnet.encoder.stages.{stage}.layers.{number}.layer.2.normalization',
    'head': 'classifier.1',
}
"""What ResNetForImageClassification of transformers calls its layers."""
TIMM = {
    'stem': 'conv1',
    'stem_norm': 'bn1',
    'shortcut': 'layer{order}.0.downsample.0',
    'shortcut_norm': 'layer{order}.0.downsample.1',
    'reduce': 'layer{order}.{number}.conv1',
    'norm_reduce': 'layer{order}.{number}.bn1',
    'mixer': 'layer{order}.{number}.conv2',
    'norm_mixer': 'layer{order}.{number}.bn2',
    'expand': 'layer{order}.{number}.conv3',
    'norm_expand': 'layer{order}.{number}.bn3',
    'head': 'fc',
}
"""What timm and torchvision call them; stages are counted from 1."""


def resnet(widths: Sequence[int], depths: Sequence[int], stem: int = 64, outputs: int = 1000) -> dict:
    """A ResNet of bottlenecks: `widths` are those of the stages' sums, four times that of the 3 x 3 convolutions.

    Kernels start normal with variance 2 / fan-out, that of the classes too. Most implementations draw that one uniformly. The
    socket `channel` is not read: a bottleneck makes its own products.
    """
    return complete(
        body={'kind': 'hierarchical', 'widths': list(widths), 'depths': list(depths)},
        stem={'kind': 'overlapping_conv', 'width': stem},
        block={'kind': 'bottleneck', 'ratio': 0.25},
        mixer={'kind': 'conv', 'kernel': 3, 'bias': False},
        norm={'kind': 'batch_norm', 'eps': 1e-5, 'momentum': 0.9},
        activation={'kind': 'relu'},
        downsample={'kind': 'in_block', 'factor': 2},
        head={'kind': 'pooled_classifier', 'outputs': outputs},
        initial={'kind': 'he_normal', 'branch_end': 'same'},
    )


def from_transformers(config: dict, tensors: Mapping[str, np.ndarray]) -> tuple[dict, dict]:
    """Parameters and running statistics from the state dict of transformers' ResNetForImageClassification.

    Raises ValueError for a config that no such model has, and for tensors that are missing, misshapen or left over.
    """
    return _mapped(config, tensors, TRANSFORMERS)


def from_timm(config: dict, tensors: Mapping[str, np.ndarray]) -> tuple[dict, dict]:
    """Parameters and running statistics from the state dict of a ResNet of timm or torchvision, with the same errors."""
    return _mapped(config, tensors, TIMM)


def weights(config: dict, tensors: Mapping[str, np.ndarray]) -> tuple[dict, dict]:
    """Parameters and running statistics from either, told apart by the name of the stem's kernel."""
    return _mapped(config, tensors, TIMM if f'{TIMM["stem"]}.weight' in tensors else TRANSFORMERS)


def _mapped(config: dict, tensors: Mapping[str, np.ndarray], names: Mapping[str, str]) -> tuple[dict, dict]:
    check_kinds(config, resnet([], []), 'a ResNet of bottlenecks')
    given = Tensors(tensors, ignored=('num_batches_tracked',))
    params, state = {}, {}

    def norm(name: str, channels: int) -> tuple[dict, dict]:
        scale, bias, mean, variance = (
            given.take(f'{name}.{part}', (channels,)) for part in ('weight', 'bias', 'running_mean', 'running_var')
        )
        return {'scale': scale, 'bias': bias}, {'mean': mean, 'variance': variance}

    widths, depths = config['body']['widths'], config['body']['depths']
    kernel, ratio, inputs = config['mixer']['kernel'], config['block']['ratio'], config['stem']['width'] or widths[0]
    image = given.size(f'{names["stem"]}.weight', 1, 3)
    stem_norm, stem_state = norm(names['stem_norm'], inputs)
    params['stem'] = {'conv': {'kernel': given.convolution(f'{names["stem"]}.weight', 7, image, inputs)}, 'norm': stem_norm}
    state['stem'] = {'norm': stem_state}
    layer = 0
    for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        inside = max(1, round(ratio * width))
        for number in range(depth):
            here = {part: name.format(stage=stage, order=stage + 1, number=number) for part, name in names.items()}
            if number == 0 and (stage or inputs != width):
                shortcut_norm, shortcut_state = norm(here['shortcut_norm'], width)
                kernels = given.convolution(f'{here["shortcut"]}.weight', 1, inputs, width)
                params[f'downsample_{stage}'] = {'project': {'kernel': kernels}, 'norm': shortcut_norm}
                state[f'downsample_{stage}'] = {'norm': shortcut_state}
            block = {
                'reduce': {'kernel': given.patches(f'{here["reduce"]}.weight', 1, inputs, inside)},
                'mixer': {'conv': {'kernel': given.convolution(f'{here["mixer"]}.weight', kernel, inside, inside)}},
                'expand': {'kernel': given.patches(f'{here["expand"]}.weight', 1, inside, width)},
            }
            statistics = {}
            for part, channels in (('norm_reduce', inside), ('norm_mixer', inside), ('norm_expand', width)):
                block[part], statistics[part] = norm(here[part], channels)
            params[f'block_{layer}'], state[f'block_{layer}'] = block, statistics
            layer, inputs = layer + 1, width
    params['head'] = {'head': dense(given, names['head'], inputs, config['head']['outputs'])}
    given.finish(f'a ResNet of widths {list(widths)} and depths {list(depths)}')
    return in_form(config, params), in_form(config, state)


MODELS = {
    'resnet50': Published(
        config=resnet([256, 512, 1024, 2048], [3, 4, 6, 3]),
        example=(224, 224, 3),
        paper='1512.03385',
        about='ResNet-50, 16 bottlenecks in four stages, 25.6 M parameters',
        weights=weights,
    ),
}
