"""Which mixer codes things that move best, and does the same one tell by which law they move?

Pendulums, planets and three bodies, read in 256 levels with a noise of half a level (docs/trajectories.md), in bits per number;
and the law of a pendulum and of a planet, in shares of right answers. The noise alone costs 1.17, 1.25 and 1.27 bits; the best
reference coder, a linear product of earlier observations with an adaptive code, needs 4.33, 3.95 and 3.48. A layer of the
convolution reaches back over 12 observations of a pendulum or a planet, and over 4 of three bodies. `no_mixer` is a planted
loss.

Cost: 480 runs, foreseen 13 minutes on two idle cores. No files are needed.
Run: archlab run docs/founding/trajectories.py
"""

from ablations.spaces import log
from ablations.study import Study, swap, task


def short(name, steps):
    """A task of the lab in fewer examples."""
    return task(name, steps=steps, batch=16, evaluations=2)


study = Study(
    name='trajectories',
    question=__doc__,
    arms={
        'attention': (),
        'recurrence': swap('mixer', 'gated_recurrence'),
        'convolution': swap('mixer', 'depthwise_conv', kernel=25),
        'no_mixer': swap('mixer', 'identity'),
    },
    tasks=(
        short('pendulums', 800),
        short('planets', 800),
        short('three_bodies', 800),
        short('pendulum_law', 800),
        short('planet_law', 1600),
    ),
    tune={'adamw': {'lr': log(1e-3, 3e-2), 'weight_decay': log(1e-3, 1.0)}},
    trials=6,
    extension=2,
    replicates=3,
    seeds=2,
)
