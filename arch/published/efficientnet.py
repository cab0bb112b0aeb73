"""EfficientNet (1905.11946) and MobileNetV3 (1905.02244): inverted bottlenecks with a kernel, a ratio and a stride by stage."""

from arch.config import complete
from arch.published.published import Published

IMAGENET = (224, 224, 3)
NORM = {'kind': 'batch_norm', 'eps': 1e-3, 'momentum': 0.99}
B0 = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
"""EfficientNet-B0 by stage: ratio, channels, layers, stride of the first layer, kernel."""
LARGE = (
    (16, 1, ((3, 16, False),)),
    (24, 2, ((3, 64, False), (3, 72, False))),
    (40, 2, ((5, 72, True), (5, 120, True), (5, 120, True))),
    (80, 2, ((3, 240, False), (3, 200, False), (3, 184, False), (3, 184, False))),
    (112, 1, ((3, 480, True), (3, 672, True))),
    (160, 2, ((5, 672, True), (5, 960, True), (5, 960, True))),
)
"""MobileNetV3-Large by stage: channels, stride of the first layer, and for each layer kernel, wide channels, a gate or not."""
RELU_STAGES = 3
"""The first stages of MobileNetV3 have relu, the others the hard swish."""


def efficientnet(stages: tuple, stem: int = 32, width: int = 1280, outputs: int = 1000) -> dict:
    """An EfficientNet; `stages` as `B0`, `stem` and `width` the channels before and after them."""
    gate = {'kind': 'inverted_bottleneck', 'gate': 'squeeze_excite', 'taps': 3}
    stack = [
        {'stage': stage, 'block': {**gate, 'ratio': float(ratio), 'squeeze': 0.25 / ratio}, 'mixer': {'kernel': kernel}}
        for stage, (ratio, _, _, _, kernel) in enumerate(stages)
    ]
    return _bottlenecks(
        widths=[channels for _, channels, *_ in stages],
        depths=[layers for _, _, layers, *_ in stages],
        strides=[stride for *_, stride, _ in stages],
        stack=stack,
        stem=stem,
        block={**gate, 'ratio': 6.0, 'squeeze': 0.25 / 6},
        activation='silu',
        head={'kind': 'wide_classifier', 'outputs': outputs, 'width': width, 'hidden': 0},
    )


def mobilenet_v3(stages: tuple, stem: int = 16, width: int = 960, hidden: int = 1280, outputs: int = 1000) -> dict:
    """A MobileNetV3; `stages` as `LARGE`. A gate has a quarter of the wide channels, in eights."""
    stack, before = [], stem
    for stage, (channels, _, layers) in enumerate(stages):
        for kernel, wide, gated in layers:
            squeeze = {'gate': 'hard_squeeze_excite', 'squeeze': in_eights(wide / 4) / wide} if gated else {}
            block = {'ratio': wide / before, **squeeze}
            entry = {'stage': stage, 'block': block, 'mixer': {'kernel': kernel}}
            stack.append(entry | ({'activation': {'kind': 'relu'}} if stage < RELU_STAGES else {}))
            before = channels
    return _bottlenecks(
        widths=[channels for channels, *_ in stages],
        depths=[len(layers) for *_, layers in stages],
        strides=[stride for _, stride, _ in stages],
        stack=stack,
        stem=stem,
        block={'kind': 'inverted_bottleneck', 'ratio': 6.0, 'gate': 'none', 'squeeze': 0.25, 'taps': 3},
        activation='hard_swish',
        head={'kind': 'wide_classifier', 'outputs': outputs, 'width': width, 'hidden': hidden},
    )


def in_eights(channels: float) -> int:
    """The nearest multiple of eight, or the next one where that would take away more than a tenth.

    >>> in_eights(18), in_eights(30), in_eights(120)
    (24, 32, 120)
    """
    near = max(8, int(channels + 4) // 8 * 8)
    return near + 8 if near < 0.9 * channels else near


def _bottlenecks(
    widths: list, depths: list, strides: list, stack: list, stem: int, block: dict, activation: str, head: dict
) -> dict:
    return complete(
        body={'kind': 'hierarchical', 'widths': widths, 'depths': depths, 'stack': stack},
        stem={'kind': 'strided_conv', 'kernel': 3, 'factor': 2, 'after': 'norm_activation', 'bias': False, 'width': stem},
        block=block,
        mixer={'kind': 'depthwise_conv', 'kernel': 3, 'bias': False},
        norm=NORM,
        activation={'kind': activation},
        downsample={'kind': 'in_block_alone', 'factor': 2, 'strides': strides},
        head=head,
        initial={'kind': 'he_normal', 'branch_end': 'same'},
    )


MODELS = {
    'efficientnet_b0': Published(efficientnet(B0), IMAGENET, '1905.11946', 'EfficientNet-B0, 5.3 M parameters', None),
    'mobilenet_v3_large': Published(mobilenet_v3(LARGE), IMAGENET, '1905.02244', 'MobileNetV3-Large, 5.5 M parameters', None),
}
