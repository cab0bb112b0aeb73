"""What would one recipe for all have claimed: do verdicts change where every arm has its own?

Changes of unlike kinds, so that their best recipes differ: another mixer, another norm, no norm, gates, residuals that begin at
nothing. Dynamic tanh tunes its gain too. Every arm is confirmed at its own recipe and at that of the base; a page shows both.
"""

from ablations.config import swap
from ablations.flagships.flagship import Flagship
from ablations.flagships.rungs import ADAMW, RUNGS, Rung, texts
from ablations.spaces import log
from ablations.study import Study


def _at(rung: Rung) -> Study:
    return Study(
        name=f'one_recipe_{rung.name}',
        question=__doc__,
        arms={
            'base': (),
            'convolution': swap('mixer', 'depthwise_conv', kernel=9),
            'dynamic_tanh': swap('norm', 'dynamic_tanh'),
            'no_norm': swap('norm', 'identity'),
            'gates': swap('channel', 'gated'),
            'rezero': swap('residual', 'rezero'),
            'post': swap('residual', 'post'),
        },
        tasks=texts(rung),
        tune=ADAMW,
        own={'dynamic_tanh': {'alpha0': log(0.1, 2.0)}},
        share=True,
    )


flagship = Flagship(
    name='one_recipe',
    claim='Comparing models at one recipe finds the same winners as tuning each of them.',
    papers=('1910.05446', '2007.01547'),
    rungs=RUNGS,
    at=_at,
)
