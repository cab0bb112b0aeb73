"""The road from ResNet to ConvNeXt (2201.03545, Table 10), step by step in both regimes: `roadmap_r50`, `roadmap_r200`.

Each step says what it changes in the step before. The wider and smaller kernels are tries: 5, 7, 9 and 11 taps in turn, and
the road goes on from 7. Multiply-adds of all steps but two equal the printed ones to the last digit. In the ResNet-50 regime
LayerNorm for BatchNorm is printed with 4.46 G, and counts 4.15 as the step before it: a norm has no multiply-adds by this
count, and the other regime prints no change (14.81). 4.46 is what the next step counts, ConvNeXt-T; it is printed as 4.49.

The paper leaves these points open. The counts decide some of them:

- A block begins its stage with a projected shortcut only where resolution or width changes. With dimensions inverted, the
  first stage is as wide as its stem, so its shortcut is x itself: 4.64 G, which with a projection would be 4.67.
- The stride stands in the mixer throughout. An inverted bottleneck so widens at the resolution of the stage before (4.64 G;
  0.5 less if it didn't), and a mixer that moved up leaves positions out first, on the channels of the stage before (4.07 G).
- The ResNet-200 regime has width 84 (336 at the sum) with stages (3, 3, 27, 3) until the mixer is depthwise, then 128.
- The patches of the stem are normed and not activated, as in ConvNeXt. Activations count nothing.
- A convolution has a bias from LayerNorm on: a BatchNorm behind it would take the bias away.
- With fewer activations the one left is between the products, and none follows the sum; with fewer norms the one left is
  behind the mixer, whence the products have biases.
- Last, with the separate downsampling, comes what makes the step ConvNeXt itself: the norm before the classes, layer scale
  and first values. The block is the same with its products in the socket `channel`.
"""

import copy
from collections.abc import Sequence

from arch.published.convnext import convnext
from arch.published.published import Published
from arch.published.resnet import resnet

ONE_BRANCH = convnext([], [])
"""Where the road ends, but for its widths and depths."""


def _stages(width: int) -> list[int]:
    """Widths that double from stage to stage."""
    return [width, 2 * width, 4 * width, 8 * width]


def steps(slim: int, wide: int, depths: Sequence[int]) -> list[tuple[str, dict]]:
    """The steps after ResNet: the name and what changes, a socket's fields or (where a kind is given) its whole spec.

    `slim` is the width of the stem before the step that widens, `wide` after it.
    """
    return [
        ('stage_ratio', {'body': {'widths': _stages(4 * slim), 'depths': list(depths)}, 'stem': {'width': slim}}),
        ('patchify_stem', {'stem': {'kind': 'patchify_norm', 'patch': 4, 'width': slim}}),
        ('depthwise_conv', {'mixer': {'kind': 'depthwise_conv', 'kernel': 3, 'bias': False}}),
        ('increase_width', {'body': {'widths': _stages(4 * wide)}, 'stem': {'width': wide}}),
        ('inverting_dimensions', {'body': {'widths': _stages(wide)}, 'stem': {'width': 0}, 'block': {'ratio': 4.0}}),
        (
            'move_up_depthwise_conv',
            {'block': {'kind': 'mixer_first', 'ratio': 4.0, 'norms': 'each', 'activations': 'each'}},
        ),
        ('kernel_5', {'mixer': {'kernel': 5}}),
        ('kernel_7', {'mixer': {'kernel': 7}}),
        ('kernel_9', {'mixer': {'kernel': 9}}),
        ('kernel_11', {'mixer': {'kernel': 11}}),
        ('gelu', {'mixer': {'kernel': 7}, 'activation': {'kind': 'gelu'}}),
        ('fewer_activations', {'block': {'activations': 'one'}}),
        ('fewer_norms', {'block': {'norms': 'one'}}),
        ('layer_norm', {'norm': {'kind': 'layer_norm', 'eps': 1e-6}, 'mixer': {'bias': True}}),
        (
            'separate_downsampling',
            {name: ONE_BRANCH[name] for name in ('downsample', 'block', 'head', 'residual', 'initial')},
        ),
    ]


def changed(config: dict, changes: dict) -> dict:
    """The config with some sockets changed: their fields, or the whole spec where the change names a kind."""
    new = copy.deepcopy(config)
    for family, spec in changes.items():
        new[family] = copy.deepcopy(spec if 'kind' in spec else {**config[family], **spec})
    return new


def roadmap(start: dict, slim: int, wide: int, depths: Sequence[int]) -> dict[str, dict]:
    """The config of every step by name, the first of them `start`, named 'resnet'."""
    configs = {'resnet': start}
    for name, changes in steps(slim, wide, depths):
        configs[name] = changed([*configs.values()][-1], changes)
    return configs


REGIMES = {
    'roadmap_r50': roadmap(resnet(_stages(256), [3, 4, 6, 3]), 64, 96, [3, 3, 9, 3]),
    'roadmap_r200': roadmap(resnet(_stages(256), [3, 24, 36, 3]), 84, 128, [3, 3, 27, 3]),
}
"""Regime -> step -> config. They end in ConvNeXt-T and ConvNeXt-B."""

MODELS = {
    f'{regime}.{step}': Published(
        config=config,
        example=(224, 224, 3),
        paper='2201.03545',
        about=f'from ResNet-{regime.removeprefix("roadmap_r")} to ConvNeXt, step {number}: {step.replace("_", " ")}',
    )
    for regime, configs in REGIMES.items()
    for number, (step, config) in enumerate(configs.items())
}
