"""Five layers of local attention to one of global attention, with slower rotations there, as in Gemma 3 (2503.19786)."""

from ablations.config import changed
from ablations.spaces import log
from ablations.study import Study, put, swap, task

LOCAL = {'kind': 'sliding_window_attention', 'heads': 4, 'window': 8}
GLOBAL = {'kind': 'attention', 'heads': 4}
BASE = (put('body.depth', 6), swap('position', 'rotary'), put('body.stack', [{'mixer': GLOBAL}]))


def deeper(name):
    """A task of the lab with six layers of global attention as its base."""
    return task(name, base=changed(task(name).base, BASE))


study = Study(
    name='gemma',
    question='How much is lost where five of six layers see their neighbours alone?',
    arms={
        'global': (),
        'local': put('body.stack', [{'mixer': LOCAL}]),
        'five_to_one': put('body.stack', [{'times': 5, 'mixer': LOCAL}, {'mixer': GLOBAL, 'position': {'base': 1e6}}]),
    },
    tasks=(deeper('recall'), deeper('stdlib_bytes')),
    tune={'adamw': {'lr': log(3e-4, 5e-2), 'weight_decay': log(1e-3, 1.0)}},
)
