"""Do experts beat a dense layer at equal FLOPs?

One expert of the dense layer's size for each token, of four or of eight; or two of half that size. Tokens meet as many
multiply-adds in all arms but for the router's.
"""

from ablations.config import swap
from ablations.flagships.flagship import Flagship
from ablations.flagships.rungs import ADAMW, ROTARY, RUNGS, Rung, texts
from ablations.study import Study


def _at(rung: Rung) -> Study:
    return Study(
        name=f'experts_or_dense_{rung.name}',
        question=__doc__,
        arms={
            'dense': (),
            'one_of_four': swap('channel', 'mixture_of_experts', experts=4, top=1, ratio=4.0),
            'one_of_eight': swap('channel', 'mixture_of_experts', experts=8, top=1, ratio=4.0),
            'two_of_eight': swap('channel', 'mixture_of_experts', experts=8, top=2, ratio=2.0),
        },
        tasks=texts(rung, ROTARY),
        tune=ADAMW,
        share=True,
    )


flagship = Flagship(
    name='experts_or_dense',
    claim='A mixture of experts beats a dense model of the same FLOPs.',
    papers=('2101.03961', '2401.04088'),
    rungs=RUNGS,
    at=_at,
)
