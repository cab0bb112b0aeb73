"""Is Muon better than AdamW, each tuned, and does that hang on the norm?

A factorial of optimizer and norm: LayerNorm, RMSNorm and dynamic erf, whose gain is tuned as well. Under Muon dynamic erf is
said to fall further behind.
"""

from ablations.config import swap
from ablations.flagships.flagship import Flagship
from ablations.flagships.rungs import ADAMW, ROTARY, RUNGS, Rung, convnext_images, texts
from ablations.shapes import factorial, optimizers
from ablations.spaces import SPACES, log
from ablations.study import Study

_NORMS = {'layer_norm': (), 'rms_norm': swap('norm', 'rms_norm'), 'dynamic_erf': swap('norm', 'dynamic_erf')}


def _at(rung: Rung) -> Study:
    design = factorial({'norm': _NORMS, 'optimizer': optimizers('adamw', 'muon')})
    return Study(
        name=f'muon_by_norm_{rung.name}',
        question=__doc__,
        **design,
        tasks=(texts(rung, ROTARY)[1], convnext_images(rung)[0]),
        tune={**ADAMW, 'muon': SPACES['muon']},
        own={arm: {'alpha0': log(0.1, 2.0)} for arm in design['arms'] if 'dynamic_erf' in arm},
        share=True,
    )


flagship = Flagship(
    name='muon_by_norm',
    claim='Muon beats AdamW whatever the norm.',
    papers=('2502.16982', '2604.01563'),
    rungs=RUNGS,
    at=_at,
)
