"""Which positions are best, at the length of training and at four times that?

None at all, learned, sinusoidal, rotary and ALiBi. Every dataset is there twice, the second time with models that learn from
the first 64 tokens of windows of 256 and are tuned and scored on all of them. The learned table has 256 rows; those past the
64th are never trained.
"""

from ablations.config import swap
from ablations.flagships.flagship import Flagship
from ablations.flagships.rungs import ADAMW, ROTARY, RUNGS, Rung, texts
from ablations.shapes import longer
from ablations.study import Study

_TAUGHT, _SCORED = 64, 256


def _at(rung: Rung) -> Study:
    short = texts(rung, ROTARY)
    return Study(
        name=f'beyond_the_length_{rung.name}',
        question=__doc__,
        arms={
            'rotary': (),
            'none': swap('position', 'none'),
            'learned': swap('position', 'learned', length=_SCORED),
            'sinusoidal': swap('position', 'sinusoidal'),
            'alibi': swap('position', 'alibi'),
        },
        tasks=(*short, *(longer(item, _SCORED, _TAUGHT, held=128, tested=512) for item in short)),
        tune=ADAMW,
        share=True,
    )


flagship = Flagship(
    name='beyond_the_length',
    claim='ALiBi, or no positions at all, hold beyond the length of training; rotary ones do not.',
    papers=('2104.09864', '2108.12409', '2305.19466'),
    rungs=RUNGS,
    at=_at,
)
