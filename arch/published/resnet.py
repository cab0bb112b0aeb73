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
    'part': 'resnet.encoder.stages.{stage}.layers.{number}.layer.{part}.convolution',
    'part_norm': 'resnet.encoder.stages.{stage}.layers.{number}.layer.{part}.normalization',
    'head': 'classifier.1',
}
"""What ResNetForImageClassification of transformers calls its layers; stages and parts of a block are counted from 0."""
TIMM = {
    'stem': 'conv1',
    'stem_norm': 'bn1',
    'shortcut': 'layer{from_1}.0.downsample.0',
    'shortcut_norm': 'layer{from_1}.0.downsample.1',
    'part': 'layer{from_1}.{number}.conv{part_from_1}',
    'part_norm': 'layer{from_1}.{number}.bn{part_from_1}',
    'head': 'fc',
}
"""What timm and torchvision call them; stages and parts are counted from 1."""
BLOCKS = {'bottleneck': {'kind': 'bottleneck', 'ratio': 0.25}, 'basic': {'kind': 'basic', 'kernel': 3}}
"""The layers of deep ResNets, and those of ResNet-18 and 34."""


def resnet(
    widths: Sequence[int], depths: Sequence[int], stem: int = 64, outputs: int = 1000, block: str = 'bottleneck'
) -> dict:
    """A ResNet: `widths` are those of the stages' sums; in a bottleneck the 3 x 3 convolution has a quarter of these.

    Kernels start normal with variance 2 / fan-out, that of the classes too. Most implementations draw that one uniformly. The
    socket `channel` is not read: both `BLOCKS` make what they need beside the mixer.
    """
    return complete(
        body={'kind': 'hierarchical', 'widths': list(widths), 'depths': list(depths)},
        stem={'kind': 'overlapping_conv', 'width': stem},
        block=BLOCKS[block],
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
    kind = config['block']['kind']
    kind = kind if kind in BLOCKS else 'bottleneck'
    check_kinds(config, resnet([], [], block=kind), f'a ResNet with blocks of kind {kind}')
    given = Tensors(tensors, ignored=('num_batches_tracked',))
    params, state = {}, {}

    def norm(name: str, channels: int) -> tuple[dict, dict]:
        scale, bias, mean, variance = (
            given.take(f'{name}.{part}', (channels,)) for part in ('weight', 'bias', 'running_mean', 'running_var')
        )
        return {'scale': scale, 'bias': bias}, {'mean': mean, 'variance': variance}

    widths, depths = config['body']['widths'], config['body']['depths']
    inputs = config['stem']['width'] or widths[0]
    image = given.size(f'{names["stem"]}.weight', 1, 3)
    stem_norm, stem_state = norm(names['stem_norm'], inputs)
    params['stem'] = {'conv': {'kernel': given.convolution(f'{names["stem"]}.weight', 7, image, inputs)}, 'norm': stem_norm}
    state['stem'] = {'norm': stem_state}
    layer = 0
    for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        for number in range(depth):
            place = {'stage': stage, 'from_1': stage + 1, 'number': number}
            here = {part: names[part].format(**place) for part in ('shortcut', 'shortcut_norm')}
            if number == 0 and (stage or inputs != width):
                shortcut_norm, shortcut_state = norm(here['shortcut_norm'], width)
                kernels = given.convolution(f'{here["shortcut"]}.weight', 1, inputs, width)
                params[f'downsample_{stage}'] = {'project': {'kernel': kernels}, 'norm': shortcut_norm}
                state[f'downsample_{stage}'] = {'norm': shortcut_state}
            block, statistics = {}, {}
            for part, (module, taps, entering, leaving) in enumerate(_parts(config, inputs, width)):
                told = {**place, 'part': part, 'part_from_1': part + 1}
                name, name_of_norm = (f'{names[which].format(**told)}' for which in ('part', 'part_norm'))
                if taps:
                    kernel = {'kernel': given.convolution(f'{name}.weight', taps, entering, leaving)}
                    block[module] = {'conv': kernel} if module == 'mixer' else kernel
                else:
                    block[module] = {'kernel': given.patches(f'{name}.weight', 1, entering, leaving)}
                block[f'norm_{module}'], statistics[f'norm_{module}'] = norm(name_of_norm, leaving)
            params[f'block_{layer}'], state[f'block_{layer}'] = block, statistics
            layer, inputs = layer + 1, width
    params['head'] = {'head': dense(given, names['head'], inputs, config['head']['outputs'])}
    given.finish(f'a ResNet of widths {list(widths)} and depths {list(depths)}')
    return in_form(config, params), in_form(config, state)


def _parts(config: dict, inputs: int, width: int) -> tuple[tuple[str, int, int, int], ...]:
    """The products and convolutions of a block in their order: (module, taps a side or 0 for a product, channels in, out)."""
    taps = config['mixer']['kernel']
    if config['block']['kind'] == 'basic':
        return ('conv', config['block']['kernel'], inputs, width), ('mixer', taps, width, width)
    inside = max(1, round(config['block']['ratio'] * width))
    return ('reduce', 0, inputs, inside), ('mixer', taps, inside, inside), ('expand', 0, inside, width)


MODELS = {
    'resnet18': Published(
        config=resnet([64, 128, 256, 512], [2, 2, 2, 2], block='basic'),
        example=(224, 224, 3),
        paper='1512.03385',
        about='ResNet-18, 8 basic blocks in four stages, 11.7 M parameters',
        weights=weights,
    ),
    'resnet34': Published(
        config=resnet([64, 128, 256, 512], [3, 4, 6, 3], block='basic'),
        example=(224, 224, 3),
        paper='1512.03385',
        about='ResNet-34, 16 basic blocks in four stages, 21.8 M parameters',
        weights=weights,
    ),
    'resnet50': Published(
        config=resnet([256, 512, 1024, 2048], [3, 4, 6, 3]),
        example=(224, 224, 3),
        paper='1512.03385',
        about='ResNet-50, 16 bottlenecks in four stages, 25.6 M parameters',
        weights=weights,
    ),
    'resnet101': Published(
        config=resnet([256, 512, 1024, 2048], [3, 4, 23, 3]),
        example=(224, 224, 3),
        paper='1512.03385',
        about='ResNet-101, 33 bottlenecks in four stages, 44.5 M parameters',
        weights=weights,
    ),
    'resnet152': Published(
        config=resnet([256, 512, 1024, 2048], [3, 8, 36, 3]),
        example=(224, 224, 3),
        paper='1512.03385',
        about='ResNet-152, 50 bottlenecks in four stages, 60.2 M parameters',
        weights=weights,
    ),
}
