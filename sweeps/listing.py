"""Listing: what the lab has, by name."""

from ablations.catalog import STUDIES
from ablations.config import closest
from ablations.tasks import TASKS

TASK_FIELDS = ('dataset', 'domain', 'metric', 'unit', 'direction', 'chance', 'margin', 'steps', 'batch')


def _studies() -> dict:
    return {name: study.question.strip().splitlines()[0] for name, study in STUDIES.items()}


def _blocks() -> dict:
    from arch.sockets import TABLES

    return {family: sorted(kinds) for family, kinds in TABLES.items()}


def _models() -> dict:
    return {name: f'the base model of task {name}: {task.base["body"]["kind"]}' for name, task in TASKS.items()}


def _tasks() -> dict:
    return {name: {field: getattr(task, field) for field in TASK_FIELDS} for name, task in TASKS.items()}


def _optimizers() -> dict:
    from sweeps.optimizers import OPTIMIZERS

    return {name: (cls.__doc__ or '').strip() for name, cls in OPTIMIZERS.items()}


LISTS = {'studies': _studies, 'blocks': _blocks, 'models': _models, 'tasks': _tasks, 'optimizers': _optimizers}


def listing(what: str) -> dict:
    """Studies, blocks, models, tasks or optimizers by name, as plain data; raises ValueError on anything else."""
    if what not in LISTS:
        raise ValueError(f"cannot list '{what}'; allowed: {list(LISTS)}.{closest(what, LISTS)}")
    return LISTS[what]()
