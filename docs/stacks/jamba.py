"""Seven state-space layers to one of attention, and experts in every second layer, as in Jamba (2403.19887)."""

from ablations.config import changed
from ablations.spaces import log
from ablations.study import Study, put, task

STATE_SPACE = {'kind': 'selective_state_space', 'state': 4}
EXPERTS = {'kind': 'mixture_of_experts', 'experts': 4, 'top': 2}
DENSE, SPARSE = {'mixer': STATE_SPACE}, {'mixer': STATE_SPACE, 'channel': EXPERTS}


def deeper(name):
    """A task of the lab with eight layers of state spaces as its base."""
    return task(name, base=changed(task(name).base, (put('body.depth', 8), put('body.stack', [DENSE]))))


study = Study(
    name='jamba',
    question='Does one layer of attention among eight, and do experts in every second one, help a state-space model?',
    arms={
        'state_space': (),
        'with_attention': put('body.stack', [{'times': 4, **DENSE}, {}, {'times': 3, **DENSE}]),
        'with_experts': put('body.stack', [DENSE, SPARSE]),
        'jamba': put('body.stack', [DENSE, SPARSE, DENSE, SPARSE, {}, SPARSE, DENSE, SPARSE]),
    },
    tasks=(deeper('recall'), deeper('stdlib_bytes')),
    tune={'adamw': {'lr': log(3e-4, 5e-2), 'weight_decay': log(1e-3, 1.0)}},
)
