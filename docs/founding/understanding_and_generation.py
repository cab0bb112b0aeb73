"""Does learning to generate help to understand, and the other way round?

Pictures of blocks and handwritten digits as pixels and words in one sequence (docs/lessons.md): a question about a picture, or
a caption that is to be drawn. Each direction is scored by itself. All arms are one model with one budget: `alone` spends it on
what is scored; of each batch, `quarter` and `half` give so much to the other direction. `other_alone` is a planted loss.

Cost: about 400 training runs. No files are needed.
Run: archlab run docs/founding/understanding_and_generation.py
"""

from ablations.spaces import log
from ablations.study import Study, task

study = Study(
    name='understanding_and_generation',
    question=__doc__,
    arms={'alone': (), 'quarter': (), 'half': (), 'other_alone': ()},
    tasks=(task('blocks_answered'), task('blocks_drawn'), task('digits_answered'), task('digits_drawn')),
    tune={'adamw': {'lr': log(1e-3, 3e-2), 'weight_decay': log(1e-3, 1.0)}},
    arm_fixed={
        'alone': {'domain_weight_2': 0.0},
        'quarter': {'domain_weight_2': 1 / 3},
        'other_alone': {'domain_weight_1': 0.0},
    },
    trials=6,
    extension=2,
    replicates=3,
    seeds=2,
)
