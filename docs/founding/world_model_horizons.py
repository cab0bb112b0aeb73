"""How far ahead can it be told what comes, and does a memory help more the further it is?

The observation 1, 4 and 8 events after a past, of balls that bounce behind a screen and of a walker with a key and a wish that
is not shown (docs/simulators.md), written in symbols; what happens between is not shown. The exact filter needs 1.0, 3.9 and
4.8 bits of balls, and 1.5, 2.8 and 3.5 of doors.

Cost: about 290 training runs. No files are needed.
Run: archlab run docs/founding/world_model_horizons.py
"""

from ablations.shapes import amounts
from ablations.spaces import log
from ablations.study import Study, swap, task
from ablations.tasks import TASKS


def ahead(name):
    """A task of the lab that asks for the last observation alone, in fewer examples."""
    asked = task(name, data={**TASKS[name].data, 'asked': 'last'}, steps=800, batch=32, evaluations=2)
    return amounts(asked, horizon=[1, 4, 8])


study = Study(
    name='world_model_horizons',
    question=__doc__,
    arms={'attention': (), 'recurrence': swap('mixer', 'gated_recurrence')},
    tasks=(*ahead('balls_symbols'), *ahead('doors_symbols')),
    tune={'adamw': {'lr': log(1e-3, 3e-2), 'weight_decay': log(1e-3, 1.0)}},
    trials=6,
    extension=2,
    replicates=3,
    seeds=2,
)
