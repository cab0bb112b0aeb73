"""Do dynamic tanh and dynamic erf replace LayerNorm and RMSNorm, at short and at long training?

The squashing norms tune the gain that they start with, at the same number of trials. Each dataset is there twice, the second
time with four times the steps, because the sign of the difference is said to turn with the tokens that a parameter sees.
"""

import dataclasses

from ablations.config import swap
from ablations.flagships.flagship import Flagship
from ablations.flagships.rungs import ADAMW, ROTARY, RUNGS, Rung, convnext_images, texts
from ablations.spaces import log
from ablations.study import Study

_GAIN = {'alpha0': log(0.1, 2.0)}


def _at(rung: Rung) -> Study:
    short = (texts(rung, ROTARY)[1], convnext_images(rung)[0])
    long = tuple(dataclasses.replace(item, name=f'{item.name}_long', steps=4 * item.steps) for item in short)
    return Study(
        name=f'squashing_norms_{rung.name}',
        question=__doc__,
        arms={
            'layer_norm': (),
            'rms_norm': swap('norm', 'rms_norm'),
            'dynamic_tanh': swap('norm', 'dynamic_tanh'),
            'dynamic_erf': swap('norm', 'dynamic_erf'),
        },
        tasks=short + long,
        tune=ADAMW,
        own={'dynamic_tanh': _GAIN, 'dynamic_erf': _GAIN},
        share=True,
    )


flagship = Flagship(
    name='squashing_norms',
    claim='Dynamic tanh and dynamic erf are as good as normalisation.',
    papers=('2503.10622', '2512.10938', '2604.23434'),
    rungs=RUNGS,
    at=_at,
)
