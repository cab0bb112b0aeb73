"""Are bytes told better one by one, or with one learned code for each patch of the past, at equal compute?

Large blocks over bytes, over patches of four of them (body 'patched', 2305.07185), and over one symbol for each patch out of
a learned book (finite scalar quantisation, 2309.15505) of 1000 or of 4375 codes. A small block tells the bytes of a patch one
by one in all of these, so the score is the exact one of bytes. A run of every arm costs as much as one of the base. What a
book costs is said by `patches_of_4` beside `codes_of_4`. A book of two codes is a planted loss beside it.

Cost: about 240 training runs, foreseen 6 minutes on two idle cores. No files are needed.
Run: archlab run docs/founding/learned_codes.py
"""

from ablations.config import changed
from ablations.spaces import log
from ablations.study import Study, put, swap, task

ATTENTION = (put('body.width', 48), swap('mixer', 'attention', heads=4), put('position.length', 64))


def bytes_of(name, steps):
    """A language of the lab, with attention over bytes as the base."""
    return task(name, steps=steps, evaluations=2, base=changed(task(name).base, ATTENTION))


def codes(levels):
    """An arm of patches of four bytes, each one code of a book with so many levels in each channel; no codes for []."""
    return swap('body', 'patched', width=48, inner_width=24, depths=[2, 1], patch=4, code_levels=levels)


study = Study(
    name='learned_codes',
    question=__doc__,
    arms={
        'bytes': (),
        'codes_of_4': codes([8, 5, 5, 5]),
        'patches_of_4': codes([]),
        'more_codes_of_4': codes([7, 5, 5, 5, 5]),
        'two_codes_of_4': codes([2]),
    },
    against=dict.fromkeys(('patches_of_4', 'more_codes_of_4', 'two_codes_of_4'), 'codes_of_4'),
    tasks=(bytes_of('stdlib_bytes', 600), bytes_of('digits_pixels', 300)),
    tune={'adamw': {'lr': log(1e-3, 3e-2), 'weight_decay': log(1e-3, 1.0)}},
    budget='compute',
    trials=6,
    extension=2,
    replicates=3,
    seeds=2,
)
