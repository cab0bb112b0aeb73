"""Describe: what models cost at any input size."""

import jax
import jax.numpy as jnp

from ablations.catalog import STUDIES, load_study, override
from ablations.config import closest
from ablations.study import Study
from ablations.tasks import TASKS, Task
from arch.cost import cost
from arch.model import build
from arch.sockets import load_tables
from sweeps.appraise import task_of


def _input(task: Task, batch: int | None, image_size: int | None, length: int | None) -> jax.ShapeDtypeStruct:
    """Inputs of a task, at another batch, image size or length where given."""
    x = task_of(task.data).pool().x
    shape = list(x.shape[1:])
    for name, value in (('--batch', batch), ('--image-size', image_size), ('--length', length)):
        if value is not None and value < 1:
            raise ValueError(f'{name} {value}; allowed: 1 or more')
    if image_size is not None:
        if len(shape) != 3:
            raise ValueError(f"--image-size: task '{task.name}' has no images; use --length")
        shape[:2] = [image_size, image_size]
    if length is not None:
        if len(shape) != 1:
            raise ValueError(f"--length: task '{task.name}' has no sequences; use --image-size")
        shape = [length]
    return jax.ShapeDtypeStruct((batch or task.batch, *shape), jnp.dtype(x.dtype))


def _arm(study: Study, arm: str, sizes: tuple) -> dict:
    found = {}
    for task in study.tasks:
        try:
            model = build(study.model(arm, task.name), load_tables(study.blocks))
            found[task.name] = cost(model, _input(task, *sizes))
        except ValueError as error:
            raise ValueError(f"arm '{arm}' on task '{task.name}': {error}") from None
    return found


def describe(what: str, settings: list[str], batch: int | None, image_size: int | None, length: int | None) -> dict:
    """Costs of a model, {task: cost} of an arm, or {arm: {task: cost}} of a study.

    `what` is the name of a model, STUDY or STUDY/ARM. Sizes that are not given are the task's own.
    """
    sizes = (batch, image_size, length)
    if what in TASKS:
        task = TASKS[what]
        return cost(build(task.base), _input(task, *sizes))
    name, arm = what, ''
    if '/' in what and not what.endswith('.py'):
        name, _, arm = what.rpartition('/')
    if name not in STUDIES and not name.endswith('.py'):
        known = [*TASKS, *STUDIES]
        raise ValueError(
            f"unknown model or study '{name}'; allowed: {known} or the path of a study file.{closest(name, known)}"
        )
    study = override(load_study(name), settings)
    if arm:
        study.model(arm, study.tasks[0].name)
        return _arm(study, arm, sizes)
    return {arm: _arm(study, arm, sizes) for arm in study.arms}
