"""Are bytes told better one by one or in patches, at equal compute?

The same blocks over bytes, and over patches of two, four and eight of them with a smaller block inside each patch (body
'patched', 2305.07185). A run of every arm costs as much as one of the base: what is saved on a step goes into more steps, or,
in the wide arm, into twice the width over patches. All are scored by bytes, on Python's own sources and on scanned digits,
pixel by pixel. `deaf_patches` has a block inside patches that hears no other byte, beside `patches_of_4`: a planted loss.

Cost: about 290 training runs, foreseen 14 minutes on two cores. No files are needed.
Run: archlab run docs/founding/tokenisers.py
"""

from ablations.config import changed
from ablations.spaces import log
from ablations.study import Study, put, swap, task

ATTENTION = (put('body.width', 48), swap('mixer', 'attention', heads=4), put('position.length', 64))


def bytes_of(name, steps):
    """A language of the lab, with attention over bytes as the base."""
    return task(name, steps=steps, evaluations=2, base=changed(task(name).base, ATTENTION))


def patches(size, width=48, inside='attention'):
    """An arm of patches of so many bytes."""
    body = swap('body', 'patched', width=width, inner_width=24, depths=[2, 1], patch=size)
    return (body, put('body.stack', [{'stage': 1, 'mixer': {'kind': inside}}])) if inside != 'attention' else (body,)


study = Study(
    name='tokenisers',
    question=__doc__,
    arms={
        'bytes': (),
        'patches_of_2': patches(2),
        'patches_of_4': patches(4),
        'patches_of_8': patches(8),
        'wide_patches_of_4': patches(4, width=96),
        'deaf_patches': patches(4, inside='identity'),
    },
    against={'deaf_patches': 'patches_of_4'},
    tasks=(bytes_of('stdlib_bytes', 600), bytes_of('digits_pixels', 300)),
    tune={'adamw': {'lr': log(1e-3, 3e-2), 'weight_decay': log(1e-3, 1.0)}},
    budget='compute',
    trials=6,
    extension=2,
    replicates=3,
    seeds=2,
)
