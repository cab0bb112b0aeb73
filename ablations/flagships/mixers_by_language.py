"""Which mixer suits which language: stories, molecules, pixels and sound, one causal decoder for all of them?

Attention, a convolution, linear attention with and without gates, a state space, a gated delta rule, and three layers of that
rule to one of attention. All arms have as many parameters, and the same learned positions, because not all of them can turn
queries and keys.
"""

import dataclasses

from ablations.config import Put, Swap, put, swap
from ablations.flagships.flagship import Flagship
from ablations.flagships.rungs import ADAMW, LARGE, MEDIUM, SMALL, Rung, sequence, texts
from ablations.study import Study
from ablations.tasks import task

_DEPTH = 4
"""Of all rungs: three layers to one of attention need four."""
_HIDDEN = {
    'convolution': {24: 140, 80: 476, 160: 956},
    'gated_linear_attention': {24: 85, 80: 309, 160: 629},
    'state_space': {24: 48, 80: 217, 160: 458},
    'delta_rule': {24: 78, 80: 272, 160: 552},
    'three_to_one': {24: 82, 80: 284, 160: 574},
}
"""Arm -> width -> hidden channels, so that every arm has as many parameters as attention with four times its width."""


def _at(rung: Rung) -> Study:
    delta = {'kind': 'gated_delta_rule', 'heads': rung.heads}
    gated = {'kind': 'gated_linear_attention', 'heads': rung.heads}

    def arm(name: str, change: Put | Swap) -> tuple[Put | Swap, ...]:
        return change, put('channel.ratio', _HIDDEN[name][rung.width] / rung.width)

    return Study(
        name=f'mixers_by_language_{rung.name}',
        question=__doc__,
        arms={
            'attention': (),
            'convolution': arm('convolution', swap('mixer', 'depthwise_conv', kernel=9)),
            'linear_attention': swap('mixer', 'linear_attention', heads=rung.heads),
            'gated_linear_attention': arm('gated_linear_attention', swap('mixer', **gated)),
            'state_space': arm('state_space', swap('mixer', 'state_space_duality', heads=rung.heads)),
            'delta_rule': arm('delta_rule', swap('mixer', **delta)),
            'three_to_one': arm('three_to_one', put('body.stack', [{'times': 3, 'mixer': delta}, {}])),
        },
        tasks=(
            texts(rung)[0],
            sequence(task('zinc'), rung),
            sequence(task('fashion_mnist_pixels'), rung, height=28, channels=1),
            sequence(task('spoken_digits_bytes'), rung),
        ),
        tune=ADAMW,
        share=True,
    )


flagship = Flagship(
    name='mixers_by_language',
    claim='Recurrent mixers do as well as attention.',
    papers=('2312.00752', '2405.21060', '2412.06464'),
    rungs=(
        dataclasses.replace(SMALL, width=24, depth=_DEPTH),
        dataclasses.replace(MEDIUM, width=80, depth=_DEPTH),
        LARGE,
    ),
    at=_at,
)
