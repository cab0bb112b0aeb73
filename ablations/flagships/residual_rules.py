"""Which rule of residuals is best, and does that change with depth?

A norm before each branch, after it, or both; scales that begin at nothing (ReZero) or next to it (LayerScale); several streams
(hyper-connections, also held to a manifold); attention over all earlier layers. Rungs differ in depth alone.
"""

import dataclasses

from ablations.config import swap
from ablations.flagships.flagship import Flagship
from ablations.flagships.rungs import ADAMW, CPU, GPU, ROTARY, SMALL, Rung, texts
from ablations.study import Study


def _at(rung: Rung) -> Study:
    return Study(
        name=f'residual_rules_{rung.name}',
        question=__doc__,
        arms={
            'pre': (),
            'post': swap('residual', 'post'),
            'sandwich': swap('residual', 'sandwich'),
            'rezero': swap('residual', 'rezero'),
            # As in its paper (2103.17239, 3.1): 0.1 up to 18 layers, 1e-5 up to 24.
            'layer_scale': swap('residual', 'layer_scale', initial=0.1 if rung.depth <= 18 else 1e-5),
            'hyper_connections': swap('residual', 'hyper_connections'),
            'manifold_hyper_connections': swap('residual', 'manifold_hyper_connections'),
            'attention_residuals': swap('residual', 'attention_residuals'),
        },
        tasks=texts(rung, ROTARY),
        tune=ADAMW,
        share=True,
    )


def _deep(depth: int, place: str) -> Rung:
    return dataclasses.replace(SMALL, name=f'depth_{depth}', place=place, width=24, depth=depth)


flagship = Flagship(
    name='residual_rules',
    claim='Richer residual rules help, and the more so the deeper a model is.',
    papers=('2409.19606', '2502.02732', '2512.24880'),
    rungs=(_deep(4, CPU), _deep(12, CPU), _deep(24, GPU)),
    at=_at,
)
