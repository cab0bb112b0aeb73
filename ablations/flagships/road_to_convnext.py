"""Which steps of the road from ResNet to ConvNeXt help, once the models of every step have their own best recipe?

The steps and their order are those of 2201.03545 (Table 10), at small width and with two stages. Kernels of 9 and 11 are left
out: maps have 8 positions a side. The table of the paper was made with one recipe for all steps.
"""

from ablations.config import put, swap
from ablations.flagships.flagship import Flagship
from ablations.flagships.rungs import ADAMW, RUNGS, Rung, images
from ablations.shapes import path
from ablations.study import Study
from ablations.tasks import bases


def _resnet(slim: int) -> dict:
    """A ResNet (1512.03385) of two stages of bottlenecks, `slim` channels in the stem and inside the first ones."""
    return bases.complete(
        body={'kind': 'hierarchical', 'widths': [4 * slim, 8 * slim], 'depths': [2, 2]},
        stem={'kind': 'overlapping_conv', 'width': slim},
        block={'kind': 'bottleneck', 'ratio': 0.25},
        mixer={'kind': 'conv', 'kernel': 3, 'bias': False},
        norm={'kind': 'batch_norm', 'eps': 1e-5, 'momentum': 0.9},
        activation={'kind': 'relu'},
        downsample={'kind': 'in_block', 'factor': 2},
        head={'kind': 'pooled_classifier', 'outputs': 10},
        initial={'kind': 'he_normal', 'branch_end': 'same'},
    )


def _steps(slim: int, wide: int) -> dict:
    return {
        'resnet': (),
        'stage_ratio': put('body.depths', [1, 3]),
        'patchify_stem': swap('stem', 'patchify_norm', patch=4, width=slim),
        'depthwise_conv': swap('mixer', 'depthwise_conv', kernel=3, bias=False),
        'increase_width': (put('body.widths', [4 * wide, 8 * wide]), put('stem.width', wide)),
        'inverting_dimensions': (put('body.widths', [wide, 2 * wide]), put('stem.width', 0), put('block.ratio', 4.0)),
        'move_up_depthwise_conv': swap('block', 'mixer_first', ratio=4.0, norms='each', activations='each'),
        'kernel_5': put('mixer.kernel', 5),
        'kernel_7': put('mixer.kernel', 7),
        'gelu': swap('activation', 'gelu'),
        'fewer_activations': put('block.activations', 'one'),
        'fewer_norms': put('block.norms', 'one'),
        'layer_norm': (swap('norm', 'layer_norm', eps=1e-6), put('mixer.bias', True)),
        'separate_downsampling': (
            swap('downsample', 'separate_conv', factor=2),
            swap('block', 'one_branch'),
            swap('head', 'pooled_norm_classifier', outputs=10),
            swap('residual', 'layer_scale', initial=1e-6),
            swap('initial', 'truncated_normal', branch_end='same', deviation=0.02),
        ),
    }


def _at(rung: Rung) -> Study:
    slim = rung.widths[0] // 2
    return Study(
        name=f'road_to_convnext_{rung.name}',
        question=__doc__,
        **path(_steps(slim, 3 * slim // 2)),
        tasks=images(rung, _resnet(slim)),
        tune=ADAMW,
        share=True,
    )


flagship = Flagship(
    name='road_to_convnext',
    claim='Every step of the road from ResNet to ConvNeXt is an improvement.',
    papers=('2201.03545',),
    rungs=RUNGS,
    at=_at,
)
