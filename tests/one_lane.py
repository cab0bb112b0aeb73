"""One lane: a single training run of a task of the lab, as a worker would do it, for tests of what a task's base reaches."""

import dataclasses

from ablations.study import Study
from ablations.tasks import TASKS, Task
from ablations.trial import TEST, Trial
from sweeps.protocol.pack import Pack
from sweeps.training.trainer import Trainer


def train_one(
    task: str | Task,
    lr: float = 3e-3,
    weight_decay: float = 0.1,
    changes: tuple = (),
    held: str = TEST,
    seed: int = 1,
    **fields,
) -> dict:
    """The record of one run under AdamW, scored on the test split; `changes` to the base, `fields` of the task."""
    task = dataclasses.replace(TASKS[task] if isinstance(task, str) else task, **fields)
    study = Study(name='one_lane', question='How far?', arms={'base': (), 'changed': changes}, tasks=(task,), replicates=1)
    knobs = (('lr', lr), ('weight_decay', weight_decay))
    trial = Trial(study.program('changed', task.name, 'adamw'), 0, knobs, seed, held, 'confirm')
    return Trainer('loop', None).train(Pack((trial,)))[0]
