"""What is kept of domains that were learned one after the other, and what keeps it?

Digits turned by quarters, and code, images and prose as bytes: each domain is taught in its turn, and all are scored at the
end. Beside the base, which forgets: the first domain last; a tenth or a third of each batch replayed from earlier domains; the
last tenth of the steps on all of them (mid-training mixture). `no_mixer` asks whether an architecture keeps more.

Cost: about 700 training runs. No files are needed; docs/lessons.md has the same for sets of your own.
Run: archlab run docs/founding/forgetting.py
"""

from ablations.spaces import log
from ablations.study import Study, swap, task

study = Study(
    name='forgetting',
    question=__doc__,
    arms={
        'in_turn': (),
        'other_order': (),
        'replay_tenth': (),
        'replay_third': (),
        'mixed_end': (),
        'no_mixer': swap('mixer', 'identity'),
    },
    tasks=(task('digits_in_turn'), task('languages_in_turn')),
    tune={'adamw': {'lr': log(1e-3, 3e-2), 'weight_decay': log(1e-3, 1.0)}},
    arm_fixed={
        'other_order': {'first_domain': 2.0},
        'replay_tenth': {'replay_share': 0.1},
        'replay_third': {'replay_share': 1 / 3},
        'mixed_end': {'mixed_share': 0.1},
    },
    trials=8,
    replicates=3,
    seeds=2,
)
