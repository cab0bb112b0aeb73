"""How much of the gain of a search survives a confirmation?

The same arms and values are searched in four ways at equal numbers of runs: one change at a time, kept where it scores
higher; at random; by Bayesian optimisation; and as the lab tunes. Then what each search starts and ends with is run with
fresh seeds.

Cost: about 2,200 training runs. No files are needed.
Run: archlab compare-searchers docs/founding/what_searches_gain.py --out gains.html
"""

from ablations.spaces import log
from ablations.study import Study, swap, task

study = Study(
    name='what_searches_gain',
    question=__doc__,
    arms={
        'base': (),
        'rms_norm': swap('norm', 'rms_norm'),
        'dynamic_tanh': swap('norm', 'dynamic_tanh'),
        'rezero': swap('residual', 'rezero'),
    },
    tasks=(task('digits', steps=80, evaluations=2), task('stdlib_bytes', steps=80, evaluations=2)),
    tune={'adamw': {'lr': log(1e-4, 3e-2), 'weight_decay': log(1e-3, 1.0)}},
)
