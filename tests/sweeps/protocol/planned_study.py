"""A small study, worlds that it is planned in, and the records of a trial there, for the tests of the planner."""

import numpy as np

from ablations.config import swap
from ablations.spaces import log
from ablations.study import Study
from sweeps.protocol.simulate import World, simulated_record

STUDY = Study(
    name='planned',
    question='What next?',
    arms={'base': (), 'other': swap('norm', 'rms_norm'), 'third': ()},
    tasks=('digits', 'stdlib_bytes'),
    tune={'adamw': {'lr': log(1e-3, 1e-1), 'weight_decay': log(1e-3, 1.0)}},
    trials=8,
    replicates=3,
    seeds=2,
    share=True,
)


MIDDLE = World(cliff=2.0)
OUTSIDE = World(optimum=(1.25, 0.4), cliff=2.0, noise=0.01)
FAR = World(optimum=(3.0, 0.4), cliff=9.0, noise=0.02)
WORLDS = {'middle': MIDDLE, 'outside': OUTSIDE, 'far': FAR, 'cliff': World(cliff=-0.1), 'lost': World(cliff=-9.0)}


def units(study: Study, trials: list) -> np.ndarray:
    """Where trials lie, from their values: `[n, d]`, in the order of the space."""
    return np.array([[r.unit(dict(t.knobs)[name]) for name, r in study.tune[t.program.optimizer].items()] for t in trials])


def record(where: World, trial, study: Study = STUDY) -> dict:
    return simulated_record(study, where, trial, 0)


def extended_sides(rounds: dict, optimizer: str | None = None) -> set:
    """The sides of a task's `Schedule.extended` that any round extended, of one optimizer or of all."""
    return {side for key, own in rounds.items() if optimizer in (None, key[1]) for sides in own for side in sides}
