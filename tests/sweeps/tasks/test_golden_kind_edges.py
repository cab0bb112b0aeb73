"""What kinds of tasks, augmentations, simulators and motions refuse, field by field, in which words: golden/edges_*.txt."""

import dataclasses
from collections.abc import Callable, Iterator

import golden_texts
import pytest
from field_edges import refusals

from ablations.tasks import TASKS
from arch.make import fields
from sweeps.augment import AUGMENTS, make_augment
from sweeps.tasks.simulators import SIMULATORS
from sweeps.tasks.trajectories import MOTIONS
from sweeps.training.preflight import task_of

OF_KIND = {item.data['kind']: item.data for item in reversed(TASKS.values()) if not item.data.get('dataset')}
"""A task of the lab of each kind of data that are made, and never read from files."""
ROOMS = sorted({type(task_of(data)).__module__.rpartition('.')[0] for data in OF_KIND.values()})


def default_of(field: dataclasses.Field) -> object:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def whole(cls: type, given: dict) -> dict:
    """Every field of a class with what is given, or its default."""
    own = {name: default_of(field) for name, field in fields(cls).items()}
    own = {**own, **{name: value for name, value in given.items() if name != 'kind'}}
    return {name: value for name, value in own.items() if value is not dataclasses.MISSING}


def of_table(table: dict[str, type], make: Callable, given: dict | None = None) -> Iterator[str]:
    for kind, cls in table.items():
        fine = whole(cls, (given or {}).get(kind, {}))
        yield from refusals(kind, lambda kind=kind, **own: make({'kind': kind, **own}), fine)


@pytest.mark.parametrize('room', ROOMS)
def test_what_tasks_refuse(room: str):
    name = f'edges_{room.rpartition(".")[2]}'
    table = {kind: type(task_of(data)) for kind, data in OF_KIND.items()}
    table = {
        kind: cls
        for kind, cls in table.items()
        if cls.__module__.startswith(f'{room}.') and cls.__module__.count('.') == room.count('.') + 1
    }
    golden_texts.hold(name, '\n'.join(of_table(table, task_of, OF_KIND)))


def test_what_augmentations_refuse():
    golden_texts.hold('edges_augment', '\n'.join(of_table(AUGMENTS, lambda spec: make_augment([spec]))))


@pytest.mark.parametrize(('name', 'table'), [('simulator', SIMULATORS), ('motion', MOTIONS)])
def test_what_simulators_and_motions_refuse(name: str, table: dict):
    given = {item.data[name]['kind']: item.data[name] for item in TASKS.values() if name in item.data}
    data = next(item.data for item in TASKS.values() if name in item.data)

    def make(spec: dict) -> object:
        return task_of({**data, name: spec})

    golden_texts.hold(f'edges_{name}', '\n'.join(of_table(table, make, given)))
