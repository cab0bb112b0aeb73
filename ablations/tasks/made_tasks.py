"""Made tasks: a small one for each form of target, over sets that the lab makes or cuts from Python's own sources.

"Measured" is the base below in its budget under AdamW at the stated learning rate and weight decay 0.05, one seed, on the
sealed test split, with the seconds of one CPU core. What the sets are is said in sweeps/tasks/made.
"""

from ablations.tasks import bases
from ablations.tasks.metrics import metric as known

_ATTENTION = {'kind': 'attention', 'heads': 2, 'biases': 'needed'}
_CONVOLUTION = {'kind': 'depthwise_conv', 'kernel': 9, 'bias': True}
SETS = ('friedman', 'adding', 'shapes', 'shape_labels', 'syntax', 'identifiers', 'collections', 'packages', 'writers')
"""The names of the made sets; a test keeps them equal to those of sweeps/tasks/made."""
BYTES = 257
"""The ids of texts: the bytes, and one that fills up."""


def _made(
    metric: str,
    base: dict,
    *,
    dataset: str,
    domain: str,
    unit: str,
    chance: float,
    margin: float,
    steps: int,
    batch: int,
    called: str = '',
    **fields: object,
) -> dict:
    return {
        'dataset': called or dataset,
        'domain': domain,
        'metric': metric,
        'unit': unit,
        'direction': known(metric).direction,
        'chance': chance,
        'margin': margin,
        'steps': steps,
        'batch': batch,
        'evaluations': 4,
        'data': {'kind': 'supervised', 'dataset': dataset, 'metric': metric, **fields},
        'base': base,
    }


MADE = {
    # Measured: 1.288 at 3e-3 in 8 s. Linear regression 2.664, boosted trees 1.194, the best that there is 1.
    'friedman': _made(
        'rmse',
        bases.rows(outputs=1, width=64, depth=2),
        dataset='friedman',
        domain='tables',
        unit='units of y',
        chance=5.0,
        margin=0.05,
        steps=600,
        batch=64,
        target='values',
        held=1024,
    ),
    # Measured: 0.0089 at 3e-3 in 14 s.
    'adding': _made(
        'mae',
        {
            **bases.waveform(1, kernel=1, factor=1, width=32, depth=2, mixer=_ATTENTION),
            'block': {'kind': 'two_branch'},
            'position': {'kind': 'learned', 'length': 32},
        },
        dataset='adding',
        domain='series',
        unit='units of the sum',
        chance=1 / 3,
        margin=0.01,
        steps=300,
        batch=32,
        target='values',
        held=512,
    ),
    # Measured: 0.946 at 1e-2 in 20 s.
    'shape_labels': _made(
        'auroc',
        bases.convnext(outputs=4, patch=2, widths=[24, 48], depths=[1, 1], kernel=3),
        dataset='shape_labels',
        domain='images',
        unit='area under the curve',
        chance=0.5,
        margin=0.01,
        steps=600,
        batch=64,
        called='shapes',
        target='labels',
        held=512,
    ),
    # Measured: 0.703 at 1e-2 in 18 s; with head pixel_shuffle 0.651, with interpolated 0.475. Saying "ground" everywhere gets
    # its share of pixels, divided by five classes.
    'shapes': _made(
        'mean_iou',
        {
            **bases.convnext(outputs=5, patch=2, widths=[24, 48], depths=[1, 1], kernel=3),
            'head': {'kind': 'fused_stages', 'outputs': 5, 'width': 48, 'factor': 2},
        },
        dataset='shapes',
        domain='images',
        unit='mean overlap of classes',
        chance=0.16,
        margin=0.01,
        steps=600,
        batch=32,
        target='map',
        held=512,
    ),
    # Measured: 0.795 at 1e-2 in 17 s. Saying "string" everywhere has an F1 of 0.44 on strings and 0 on the other six.
    'syntax': _made(
        'macro_f1',
        bases.labelled_tokens(BYTES, 64, outputs=7, width=32, depth=2, mixer=_CONVOLUTION),
        dataset='syntax',
        domain='text',
        unit='mean F1 of word classes',
        chance=0.06,
        margin=0.01,
        steps=400,
        batch=32,
        target='map',
        length=64,
        held=512,
    ),
    # Measured: 0.593 at 1e-2 in 15 s.
    'identifiers': _made(
        'balanced_accuracy',
        bases.texts(BYTES, 24, outputs=5, width=48, depth=2, mixer=_CONVOLUTION),
        dataset='identifiers',
        domain='text',
        unit='mean share of roles',
        chance=0.2,
        margin=0.03,
        steps=300,
        batch=64,
        target='class',
        length=24,
        held=512,
    ),
}
