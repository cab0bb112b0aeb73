"""What do captions that leave something out not teach?

Pictures of made scenes are learned with captions that never tell colours, figures, or places (docs/pairs.md), and a linear
probe on the learned vectors of sealed pictures asks for what was left out. Beside captions alone: two views of a picture that
are to meet, without any words, and half of each. Where views are taught the picture has to be told by all that is in it.

Cost: about 270 training runs. No files are needed.
Run: archlab run docs/founding/blind_pairs.py
"""

from ablations.spaces import log
from ablations.study import Study, task

study = Study(
    name='blind_pairs',
    question=__doc__,
    arms={'captions': (), 'views': (), 'both': ()},
    tasks=(task('blind_to_colour'), task('blind_to_figure'), task('blind_to_quarter')),
    tune={'adamw': {'lr': log(5e-4, 2e-2), 'weight_decay': log(1e-3, 1.0)}},
    arm_fixed={'captions': {'domain_weight_2': 0.0}, 'views': {'domain_weight_1': 0.0}},
    trials=6,
    extension=2,
    replicates=3,
    seeds=2,
)
