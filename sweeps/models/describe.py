"""Describe: the costs of models at any input size, and the differences of two models."""

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping

import jax
import jax.numpy as jnp

from ablations.config import closest
from ablations.flagships import FLAGSHIPS, RUNG_STUDIES
from ablations.settings import override
from ablations.studies import STUDIES
from ablations.study import Study
from ablations.study_files import load_study, of_the_lab
from ablations.tasks import TASKS, Task
from ablations.user_file import STOPS, in_words, of_user
from arch.cost import cost_of, trained_on
from arch.published import MODELS, Published
from arch.sockets import TABLES, load_tables
from sweeps.models.specs import differences, values

COUNTS = ('params', 'macs', 'flops', 'activation_bytes')

LARGEST = 10**9
"""No batch, image or sequence is larger; beyond it shapes and counts leave the whole numbers of the machine."""


@dataclasses.dataclass(frozen=True)
class Sizes:
    """The sizes of the input that a user sets; None is the model's own size."""

    batch: int | None = None
    image_size: int | None = None
    length: int | None = None

    def __post_init__(self):
        for name, value in (('--batch', self.batch), ('--image-size', self.image_size), ('--length', self.length)):
            if value is not None and not 1 <= value <= LARGEST:
                raise ValueError(f'{name} {value}; allowed: 1 or more, up to {LARGEST:,}')

    def input(self, name: str, shape: tuple[int, ...], dtype: object, batch: int) -> jax.ShapeDtypeStruct:
        """A batch of inputs of the model `name`, whose own inputs have this shape."""
        if self.image_size is not None:
            if len(shape) != 3:
                raise ValueError(f"--image-size: '{name}' has no images; use --length")
            shape = (self.image_size, self.image_size, shape[-1])
        if self.length is not None:
            if len(shape) != 1:
                raise ValueError(f"--length: '{name}' has no sequences; use --image-size")
            shape = (self.length,)
        return jax.ShapeDtypeStruct((self.batch or batch, *shape), jnp.dtype(dtype))


@dataclasses.dataclass(frozen=True)
class Subject:
    """A model to describe: its name, its config, a batch of its inputs, and the tables of its kinds; and a batch that it is
    trained on, where that has another shape."""

    name: str
    config: dict
    x: jax.ShapeDtypeStruct
    tables: Mapping[str, Mapping[str, type]]
    about: str = ''
    lesson: jax.ShapeDtypeStruct | None = None

    @contextlib.contextmanager
    def building(self, *others: 'Subject') -> Iterator[None]:
        """Around what builds it, and others: raises ValueError with its name if that fails.

        What blocks of a user's own raise is among that; of the lab's own blocks it is a mistake of ours, and passes.
        """
        try:
            with of_user():
                yield
        except ValueError as error:
            raise ValueError(f'{self.name}: {error}') from None
        except STOPS as error:
            if all(one.tables == TABLES for one in (self, *others)):
                raise
            raise ValueError(f'{self.name}: {in_words(error)}; see `archlab check`') from error

    def cost(self) -> dict:
        """Its costs. Raises ValueError, with the model's name, where it does not build, or nobody could ever train it."""
        from sweeps.training.preflight import MOST

        with self.building():
            costs = cost_of(self.config, self.x, self.tables)
            if self.lesson is not None:
                costs = trained_on(costs, cost_of(self.config, self.lesson, self.tables))
            if costs['params'] > MOST:
                given = min(costs['params'], 10**300)
                raise ValueError(f'it has {given:.2g} parameters; allowed: up to {MOST:.0e}; make it smaller')
            return costs


def _of_task(task: Task, name: str, config: dict, tables: Mapping, sizes: Sizes, about: str = '') -> Subject:
    from sweeps.training.preflight import task_of

    kind = task_of(task.data)
    x, taught = kind.seen(), kind.seen_in_training()
    batch = sizes.input(task.name, x.shape[1:], x.dtype, task.batch)
    # A size that a user asks for is that of training too.
    asked = taught.shape == x.shape or batch.shape[1:] != x.shape[1:]
    lesson = None if asked else jax.ShapeDtypeStruct((batch.shape[0], *taught.shape[1:]), x.dtype)
    return Subject(name, config, batch, tables, about, lesson)


def _of_published(name: str, model: Published, sizes: Sizes) -> Subject:
    dtype = jnp.int32 if len(model.example) == 1 else jnp.float32
    return Subject(name, model.config, sizes.input(name, model.example, dtype, 1), TABLES, f'{model.about} ({model.paper})')


def _of_arm(study: Study, arm: str, sizes: Sizes) -> dict[tuple[str, ...], Subject]:
    study.model(arm, study.tasks[0].name)
    tables, models = load_tables(study.blocks, study.blocks_hash), {}
    for task in study.tasks:
        config, name = study.model(arm, task.name), f'{arm} on {task.name}'
        models[task.name,] = _of_task(task, name, config, tables, sizes, f'arm {arm} of study {study.name}')
    return models


def study_and_arm(what: str, settings: list[str]) -> tuple[Study, str]:
    """The study and the arm ('' for all) that STUDY or STUDY/ARM names. Raises ValueError where there is none."""
    name, arm = what, ''
    if '/' in what and not what.endswith('.py'):
        name, _, arm = what.rpartition('/')
    if not of_the_lab(name) and name not in FLAGSHIPS and not name.endswith('.py'):
        known = [*TASKS, *STUDIES, *RUNG_STUDIES, *MODELS]
        raise ValueError(
            f"unknown model or study '{name}'; allowed: {[*TASKS, *STUDIES]}, the path of a study file, a flagship's rung "
            f'(archlab list flagships), or a published model (archlab list models).{closest(name, known)}'
        )
    return override(load_study(name), settings), arm


def refuse_settings(settings: list[str], *names: str | None) -> None:
    """Raise ValueError for settings without the name of a study among the names."""
    if settings and all(name in TASKS or name in MODELS for name in names if name):
        models = ' and '.join(f"'{name}'" for name in names if name)
        raise ValueError(f'--set {settings[0]} changes a study, and {models} is none; name STUDY/ARM, or leave it out')


def subjects(what: str, settings: list[str], sizes: Sizes) -> dict[tuple[str, ...], Subject]:
    """The models of a name, by key: () for one model, (task,) for an arm, (arm, task) for a study.

    `what` is the name of a published model, of a task (its base model), STUDY or STUDY/ARM.
    """
    if what in TASKS:
        return {(): _of_task(TASKS[what], what, TASKS[what].base, TABLES, sizes, f'the base model of task {what}')}
    if what in MODELS:
        return {(): _of_published(what, MODELS[what], sizes)}
    study, arm = study_and_arm(what, settings)
    if arm:
        return _of_arm(study, arm, sizes)
    return {(arm, *path): subject for arm in study.arms for path, subject in _of_arm(study, arm, sizes).items()}


def describe(what: str, settings: list[str], batch: int | None, image_size: int | None, length: int | None) -> dict:
    """The costs of one model, {task: costs} for an arm, or {arm: {task: costs}} for a study.

    Sizes that are not given are the task's own; a published model has its paper's size and a batch of 1.
    """
    costs: dict = {}
    for path, subject in subjects(what, settings, Sizes(batch, image_size, length)).items():
        if not path:
            return subject.cost()
        *outer, last = path
        here = costs
        for name in outer:
            here = here.setdefault(name, {})
        here[last] = subject.cost()
    return costs


def _beside(a: float, b: float) -> dict:
    return {'a': a, 'b': b, 'ratio': b / a if a else None}


def _side(subject: Subject) -> dict:
    return {'name': subject.name, 'input': list(subject.x.shape[1:]), 'batch': subject.x.shape[0]}


def compare(first: str, second: str, settings: list[str], sizes: Sizes) -> list[dict]:
    """Two models side by side: differing values, and costs with the ratio second / first. Arms are compared task by task.

    Names are those of `subjects`. Raises ValueError for a whole study, and for arms without a common task.
    """
    left, right = subjects(first, settings, sizes), subjects(second, settings, sizes)
    for name, models in ((first, left), (second, right)):
        if any(len(path) > 1 for path in models):
            raise ValueError(f"'{name}' is a whole study; two models are compared: write {name}/ARM")
    if () in left or () in right:
        pairs = [(a, b) for a in left.values() for b in right.values()]
    else:
        pairs = [(left[task], right[task]) for task in left if task in right]
    if not pairs:
        raise ValueError(f"'{first}' and '{second}' have no task in common; compare arms of one study, or give a model's name")
    return [_comparison(a, b) for a, b in pairs]


def _comparison(a: Subject, b: Subject) -> dict:
    costs, note = (a.cost(), b.cost()), ''
    if a.x.shape[1:] != b.x.shape[1:] or a.x.dtype != b.x.dtype:
        note = 'each at an input of its own'
    if a.x.shape[0] != b.x.shape[0]:
        note = note or 'each at a batch of its own'
    sides = {
        'a': _side(a),
        'b': _side(b),
        'note': note,
        'differences': differences(values(a.config, a.tables), values(b.config, b.tables)),
    }
    for name in COUNTS:
        sides[name] = _beside(*(cost[name] for cost in costs))
        roles = [cost[f'{name}_by_role'] for cost in costs if f'{name}_by_role' in cost]
        if roles:
            all_roles = {role: None for side in roles for role, count in side.items() if count}
            sides[f'{name}_by_role'] = {role: _beside(*(side.get(role, 0) for side in roles)) for role in all_roles}
    return sides
