"""Does the lab claim differences where there are none?

Four arms that are the same model under four names, tuned independently. Whatever differs between them is noise of tuning,
data splits and seeds, so an honest lab claims nothing: it calls no arm better or worse.

Cost: about 680 training runs; four minutes on two CPU cores.
Run: archlab run null
"""

from ablations.spaces import log
from ablations.study import Study

study = Study(
    name='null',
    question=__doc__,
    arms={'same': (), 'same_again': (), 'same_once_more': (), 'same_at_last': ()},
    tasks=('digits', 'stdlib_bytes'),
    tune={'adamw': {'lr': log(1e-3, 5e-2), 'weight_decay': log(1e-3, 1.0)}},
    share=True,
)
