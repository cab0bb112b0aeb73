"""Are fewer activations and fewer norms better, and do gates help at equal parameters?

The base is ConvNeXt's layer with one activation and one norm. Two arms put an activation, or a norm, after each product, as in
ResNet's; three put a gate in the place of the activation, with two thirds of the hidden channels.
"""

from ablations.config import swap
from ablations.flagships.flagship import Flagship
from ablations.flagships.rungs import ADAMW, RUNGS, Rung, convnext_images
from ablations.study import Study

_FIRST = {'ratio': 4.0, 'norms': 'one', 'activations': 'one'}


def _at(rung: Rung) -> Study:
    return Study(
        name=f'gates_and_activations_{rung.name}',
        question=__doc__,
        arms={
            'one_of_each': (),
            'more_activations': swap('block', 'mixer_first', **{**_FIRST, 'activations': 'each'}),
            'more_norms': swap('block', 'mixer_first', **{**_FIRST, 'norms': 'each'}),
            'gelu_gate': swap('channel', 'gated', ratio=8 / 3),
            'silu_gate': (swap('channel', 'gated', ratio=8 / 3), swap('activation', 'silu')),
            'relu_gate': (swap('channel', 'gated', ratio=8 / 3), swap('activation', 'relu')),
        },
        tasks=convnext_images(rung),
        tune=ADAMW,
        share=True,
    )


flagship = Flagship(
    name='gates_and_activations',
    claim='Fewer activations and norms are better, and gated units beat plain ones of the same size.',
    papers=('2201.03545', '2002.05202'),
    rungs=RUNGS,
    at=_at,
)
