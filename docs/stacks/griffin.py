"""Two recurrent layers to one of local attention, as in Griffin (2402.19427): better than all of either?"""

from ablations.config import changed
from ablations.spaces import log
from ablations.study import Study, put, task

RECURRENT = {'kind': 'gated_recurrence', 'heads': 4}
LOCAL = {'kind': 'sliding_window_attention', 'heads': 4, 'window': 8}


def deeper(name):
    """A task of the lab with three layers of local attention as its base."""
    return task(name, base=changed(task(name).base, (put('body.depth', 3), put('body.stack', [{'mixer': LOCAL}]))))


study = Study(
    name='griffin',
    question='Do two recurrent layers to one of local attention beat all layers of either kind?',
    arms={
        'local': (),
        'recurrent': put('body.stack', [{'mixer': RECURRENT}]),
        'griffin': put('body.stack', [{'times': 2, 'mixer': RECURRENT}, {'mixer': LOCAL}]),
    },
    tasks=(deeper('recall'), deeper('stdlib_bytes')),
    tune={'adamw': {'lr': log(3e-4, 5e-2), 'weight_decay': log(1e-3, 1.0)}},
)
