"""Is what comes next told better from pixels or from symbols, and by which mixer?

Balls that bounce behind a screen, and a walker with a key and a wish that is not shown (docs/simulators.md). Each is written in
pixels and in symbols: the same episodes, the same information, and bits per event in both. The exact filter needs 1.56 bits of
balls and 1.58 of doors. A layer of the wide convolution reaches back over two pictures; one of the recurrence sees four tokens
and what its memory holds. `no_mixer` is a planted loss.

Cost: 384 runs, foreseen 21 minutes on two cores. No files are needed.
Run: archlab run docs/founding/world_model.py
"""

from ablations.spaces import log
from ablations.study import Study, swap, task


def short(name, steps):
    """A task of the lab in fewer examples."""
    return task(name, steps=steps, batch=16, evaluations=2)


study = Study(
    name='world_model',
    question=__doc__,
    arms={
        'attention': (),
        'recurrence': swap('mixer', 'gated_recurrence'),
        'convolution': swap('mixer', 'depthwise_conv', kernel=51),
        'no_mixer': swap('mixer', 'identity'),
    },
    tasks=(
        short('balls_pixels', 400),
        short('balls_symbols', 800),
        short('doors_pixels', 400),
        short('doors_symbols', 800),
    ),
    tune={'adamw': {'lr': log(1e-3, 3e-2), 'weight_decay': log(1e-3, 1.0)}},
    trials=6,
    extension=2,
    replicates=3,
    seeds=2,
)
