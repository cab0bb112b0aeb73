"""Tasks: the table of the lab's tasks."""

import dataclasses

from ablations.config import closest
from ablations.tasks.domain_tasks import DOMAINS
from ablations.tasks.embedded_tasks import DIGITS, RECALL, STDLIB_BYTES
from ablations.tasks.image_tasks import IMAGES, PIXELS
from ablations.tasks.made_tasks import MADE
from ablations.tasks.origin_tasks import ORIGINS
from ablations.tasks.own_task import OwnTask
from ablations.tasks.paired_tasks import PAIRED
from ablations.tasks.probe_tasks import PROBES
from ablations.tasks.simulated_tasks import SIMULATED
from ablations.tasks.sound_tasks import SERIES, SOUNDS
from ablations.tasks.task import DIRECTIONS, Task
from ablations.tasks.text_tasks import TEXTS
from ablations.tasks.trajectory_tasks import TRAJECTORIES

__all__ = ['DIRECTIONS', 'SETS', 'TASKS', 'OwnTask', 'Task', 'task']

TASKS = {task.name: task for task in (DIGITS, RECALL, STDLIB_BYTES)}
TASKS |= {name: Task(name=name, **fields) for name, fields in {**IMAGES, **PIXELS, **SOUNDS, **SERIES}.items()}
TASKS |= {name: Task(name=name, **fields) for name, fields in {**PROBES, **SIMULATED, **TRAJECTORIES}.items()}
TASKS |= {name: Task(name=name, **fields) for name, fields in {**TEXTS, **MADE, **ORIGINS, **DOMAINS, **PAIRED}.items()}

SETS = {str(one.data.get('dataset', one.dataset)) for one in TASKS.values()} | {one.dataset for one in TASKS.values()}
"""The sets that tasks of the lab read; none of a user's own may have such a name."""


def task(*names: str, **fields: object) -> Task | OwnTask:
    """A task of the lab by name, with some fields replaced (also `name`, for a second version in one study); or one's own.

    Without a name it is a task over data of one's own (`OwnTask` says what may be given), to be declared at the top of a file:
    `retina = task(source='photos', read='image_folder')`. Raises ValueError on an unknown name or field.
    """
    if not names:
        return _own(fields)
    name, *others = names
    if others:
        raise ValueError(f'task{names!r}: a task has one name; name fields, such as steps=100')
    if not isinstance(name, str) or name not in TASKS:
        raise ValueError(f"unknown task '{name}'; allowed: {sorted(TASKS)}.{closest(name, TASKS)}")
    known = [field.name for field in dataclasses.fields(Task)]
    for field in fields:
        if field not in known:
            raise ValueError(f"task '{name}' has no field '{field}'; allowed: {known}.{closest(field, known)}")
    return dataclasses.replace(TASKS[name], **fields)


def _own(fields: dict) -> OwnTask:
    known = [field.name for field in dataclasses.fields(OwnTask)]
    for field in fields:
        if field not in known:
            raise ValueError(f"a task of your own has no field '{field}'; allowed: {known}.{closest(field, known)}")
    return OwnTask(**fields)
