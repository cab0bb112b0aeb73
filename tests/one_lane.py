"""One lane: a single training run of a task of the lab, as a worker would do it, for tests of what a task's base reaches."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

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
    knobs: Mapping[str, float] = MappingProxyType({}),
    **fields,
) -> dict:
    """The record of one run under AdamW, scored on the test split; with `changes` to the base, `knobs`, `fields` of a task."""
    task = dataclasses.replace(TASKS[task] if isinstance(task, str) else task, **fields)
    study = Study(name='one_lane', question='How far?', arms={'base': (), 'changed': changes}, tasks=(task,), replicates=1)
    given = (('lr', lr), ('weight_decay', weight_decay), *knobs.items())
    trial = Trial(study.program('changed', task.name, 'adamw'), 0, given, seed, held, 'confirm')
    return Trainer('loop', None).train(Pack((trial,)))[0]
