"""Do tuned shares of domains beat equal ones, and those by size?

All arms are the same model. `equal` takes as much of each domain whatever its size, which is how the score weighs them;
`by_size` takes every example as often; `tuned` has a weight for each domain, found under the same number of trials as the
others spend on the learning rate and weight decay alone. `mostly_third` is a planted loss: the third domain is taken thirty
times as often as each of the others. Domains have 400, 200, 100 and 50 examples.

Cost: about 500 training runs. No files are needed; docs/lessons.md has the same for sets of your own.
Run: archlab run docs/founding/data_mixtures.py
"""

from ablations.spaces import log
from ablations.study import Study, task

WEIGHT = log(0.25, 4.0)

study = Study(
    name='data_mixtures',
    question=__doc__,
    arms={'equal': (), 'by_size': (), 'tuned': (), 'mostly_third': ()},
    tasks=(task('package_shares'), task('language_shares')),
    tune={'adamw': {'lr': log(1e-3, 3e-2), 'weight_decay': log(1e-3, 1.0)}},
    arm_fixed={'by_size': {'size_exponent': 1.0}, 'mostly_third': {'domain_weight_3': 30.0}},
    own={'tuned': {f'domain_weight_{number}': WEIGHT for number in (1, 2, 3)}},
    seeds=2,
)
