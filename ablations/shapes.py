"""Shapes: how the arms of a study relate to each other. Each function gives fields of a Study: `Study(..., **path({...}))`.

Without a shape every arm is compared with the base.
"""

import copy
import dataclasses
import itertools

from ablations.config import Put, Swap, changed, put
from ablations.task_files import is_address, own_task
from ablations.tasks import OwnTask, Task, task


def _tuple(changes: object) -> tuple:
    if isinstance(changes, (Put, Swap)):
        return (changes,)
    if not isinstance(changes, (tuple, list)):
        raise ValueError(f'changes {changes!r}; give () or a tuple of put(path, value) and swap(path, kind, ...)')
    return tuple(changes)


def _first(steps: dict, what: str) -> str:
    if not isinstance(steps, dict) or len(steps) < 2:
        raise ValueError(f'{what} is {steps!r}; give {{name: changes}} with the base, which changes nothing, and one more')
    first = next(iter(steps))
    if _tuple(steps[first]):
        raise ValueError(f"{what}: the first, '{first}', is the base and changes nothing; give it ()")
    return first


def path(steps: dict) -> dict:
    """A path: every step changes the step before and is compared with it, as in the ConvNeXt roadmap (2201.03545).

    `steps` is {arm: changes}, the first () for the base.

    >>> from ablations.config import put, swap
    >>> made = path({'base': (), 'rms': swap('norm', 'rms_norm'), 'narrow': put('channel.ratio', 2.0)})
    >>> made['against'], len(made['arms']['narrow'])
    ({'rms': 'base', 'narrow': 'rms'}, 2)
    """
    _first(steps, 'path')
    arms, against, so_far, before = {}, {}, (), None
    for arm, changes in steps.items():
        so_far += _tuple(changes)
        arms[arm] = so_far
        if before is not None:
            against[arm] = before
        before = arm
    return {'arms': arms, 'against': against, 'shape': 'path'}


def add_one(parts: dict, base: str = 'base', full: str = 'all') -> dict:
    """The base, the base with each part alone, and the base with all of them. Every arm is compared with the base.

    >>> from ablations.config import put, swap
    >>> list(add_one({'rms': swap('norm', 'rms_norm'), 'narrow': put('channel.ratio', 2.0)})['arms'])
    ['base', 'with_rms', 'with_narrow', 'all']
    """
    parts = _parts('add_one', parts, base, full)
    arms = {base: (), **{f'with_{name}': changes for name, changes in parts.items()}}
    return {'arms': {**arms, full: sum(parts.values(), ())}, 'shape': 'add_one'}


def drop_one(parts: dict, base: str = 'base', full: str = 'all') -> dict:
    """The base, all parts together, and all but one. The last are compared with `full`, and `full` with the base.

    >>> from ablations.config import put, swap
    >>> drop_one({'rms': swap('norm', 'rms_norm'), 'narrow': put('channel.ratio', 2.0)})['against']
    {'without_rms': 'all', 'without_narrow': 'all'}
    """
    parts = _parts('drop_one', parts, base, full)
    arms, against = {base: (), full: sum(parts.values(), ())}, {}
    for name in parts:
        arms[f'without_{name}'] = sum((changes for other, changes in parts.items() if other != name), ())
        against[f'without_{name}'] = full
    return {'arms': arms, 'against': against, 'shape': 'drop_one'}


def _parts(what: str, parts: dict, base: str, full: str) -> dict:
    if not isinstance(parts, dict) or len(parts) < 2:
        raise ValueError(f'{what} is {parts!r}; give {{name: changes}} of two or more parts')
    if base == full:
        raise ValueError(f"{what}: the base and the full model are both called '{base}'; name them apart")
    taken = [name for name in parts if {f'with_{name}', f'without_{name}'} & {base, full}]
    if taken:
        raise ValueError(
            f"{what}: the arm of part '{taken[0]}' would be called as the base or the full model; name it otherwise"
        )
    return {name: _tuple(changes) for name, changes in parts.items()}


@dataclasses.dataclass(frozen=True)
class Optimizer:
    """A level of `factorial` that changes no model: the optimizer of `tune` that its arms are tuned with."""

    name: str


def optimizers(*names: str) -> dict[str, Optimizer]:
    """A factor of `factorial` with a level for each of these optimizers of `tune`; the first is the base's.

    It is no third change beside `put` and `swap`, because the base changes nothing and has one of the optimizers too: which
    optimizers an arm has is a field of the study, and this is only the word for it in a factorial.

    >>> from ablations.config import swap
    >>> made = factorial({'norm': {'layer': (), 'rms': swap('norm', 'rms_norm')}, 'optimizer': optimizers('adamw', 'muon')})
    >>> made['optimizers']
    {'base': ('adamw',), 'muon': ('muon',), 'rms': ('adamw',), 'rms_and_muon': ('muon',)}
    """
    if len(names) < 2 or len(set(names)) < len(names) or not all(isinstance(name, str) for name in names):
        raise ValueError(f'optimizers of {names!r}; give the names of two or more optimizers, each once, the first of the base')
    return {name: Optimizer(name) for name in names}


def factorial(factors: dict, base: str = 'base') -> dict:
    """Every combination of the levels of some factors, for main effects and interactions.

    `factors` is {factor: {level: changes}}, and the first level of each is (), as in the base. One of them may be the factor
    `optimizers('adamw', 'muon')`. The name of an arm lists its levels, except first ones.

    >>> from ablations.config import put, swap
    >>> norms, ratios = {'layer': (), 'rms': swap('norm', 'rms_norm')}, {'four': (), 'two': put('channel.ratio', 2.0)}
    >>> list(factorial({'norm': norms, 'ratio': ratios})['arms'])
    ['base', 'two', 'rms', 'rms_and_two']
    """
    if not isinstance(factors, dict) or len(factors) < 2:
        raise ValueError(f'factorial is {factors!r}; give {{factor: {{level: changes}}}} of two or more factors')
    of_optimizers = [name for name, levels in factors.items() if _is_of_optimizers(levels)]
    if len(of_optimizers) > 1:
        raise ValueError(f'factorial: {of_optimizers} are all of optimizers, and an arm has one; join them in one factor')
    for name, levels in factors.items():
        if name not in of_optimizers:
            _first(levels, f"factor '{name}'")
    firsts = {name: next(iter(levels)) for name, levels in factors.items()}
    arms, placed, tuned = {}, {}, {}
    for combination in itertools.product(*(levels for levels in factors.values())):
        chosen = dict(zip(factors, combination, strict=True))
        others = [level for name, level in chosen.items() if level != firsts[name]]
        arm = '_and_'.join(others) if others else base
        if arm in arms:
            raise ValueError(
                f"factorial: two combinations are called '{arm}'; give levels of different factors different names"
            )
        arms[arm] = sum((_tuple(factors[name][level]) for name, level in chosen.items() if name not in of_optimizers), ())
        placed[arm] = chosen
        for name in of_optimizers:
            tuned[arm] = (factors[name][chosen[name]].name,)
    return {'arms': arms, 'levels': placed, 'shape': 'factorial', **({'optimizers': tuned} if tuned else {})}


def _is_of_optimizers(levels: object) -> bool:
    """Whether a factor is one that `optimizers` made."""
    return isinstance(levels, dict) and len(levels) > 0 and all(isinstance(level, Optimizer) for level in levels.values())


def longer(name: str | Task | OwnTask, length: int, taught: int, **data: object) -> Task:
    """A task of texts whose models train on the first `taught` tokens of windows and are scored on all `length` of them, so
    that arms can be asked what holds past the length of training (2108.12409). It is called NAME_TAUGHT_to_LENGTH.

    A table of positions in its base gets as many rows. `data` are other fields of its data, such as held or tested.

    >>> made = longer('tiny_shakespeare', length=256, taught=64, held=128)
    >>> made.name, made.data['length'], made.data['taught'], made.base['position']['kind']
    ('tiny_shakespeare_64_to_256', 256, 64, 'rotary')
    """
    item = _task_of(name)
    if 'length' not in item.data:
        raise ValueError(f"longer('{item.name}'): its data {item.data['kind']!r} have no length; give a task of a text")
    base = copy.deepcopy(item.base)
    if base['position']['kind'] == 'learned':
        base['position']['length'] = length
    own = {'name': f'{item.name}_{taught}_to_{length}', 'base': base, 'ladder': ''}
    return _like(item, **own, data={**item.data, 'length': length, 'taught': taught, **data})


def _like(item: Task | OwnTask, **fields: object) -> Task:
    """A task with other values of some fields."""
    return Task(**{field: getattr(item, field) for field in item.__dataclass_fields__} | fields)


def _task_of(name: str | Task | OwnTask) -> Task:
    """A task of the lab or of a user's own file."""
    return name if isinstance(name, Task) else own_task(name) if isinstance(name, OwnTask) or is_address(name) else task(name)


AMOUNTS = {
    'train': 'training examples',
    'groups': 'training groups (prompts, files)',
    'classes': 'classes',
    'horizon': 'events ahead',
}
"""The fields of a task's data that say how much of it there is, or how much is asked; with words for an axis."""


def amounts(name: str | Task | OwnTask, **counts: list[int]) -> tuple[Task, ...]:
    """A task with several amounts of data: `train=[200, 800]` training examples, those of `groups=[75, 150]` whole groups, such
    as all answers to so many prompts, or the first `classes=[2, 4]` of its classes; or one that asks for what comes after
    `horizon=[1, 4]` events (docs/simulators.md).

    The tasks are called NAME_train_200 and so on; a figure shows each arm's value against the amount. With other numbers of
    classes the outputs of the base and chance follow. They share a dataset, so they count as one dataset.

    >>> [item.name for item in amounts('collections', train=[200, 800])]
    ['collections_train_200', 'collections_train_800']
    >>> few, _ = amounts('collections', classes=[2, 4])
    >>> few.chance, few.data['classes'], few.base['head']['outputs']
    (0.5, 2, 2)
    """
    item = _task_of(name)
    if len(counts) != 1 or not set(counts) <= {*AMOUNTS}:
        raise ValueError(f"amounts('{item.name}', {sorted(counts)}); allowed: one of {list(AMOUNTS)}, as [...]; give one")
    ((field, given),) = counts.items()
    if not isinstance(given, (list, tuple)) or len(set(given)) < 2 or not all(type(one) is int and one > 0 for one in given):
        raise ValueError(f"amounts('{item.name}'): {field}={given!r}; allowed: two or more whole numbers from 1; mend them")
    made = []
    for count in given:
        other = {}
        if field == 'classes':
            outputs = item.base['head'].get('outputs', 0)
            if abs(item.chance * outputs - 1) > 1e-6:
                raise ValueError(
                    f"amounts('{item.name}', classes=...): chance is {item.chance:g} with {outputs} outputs; allowed: a task "
                    'of classes with as many examples each, so that chance is 1 over their number; give train=[...]'
                )
            other = {'base': changed(item.base, (put('head.outputs', count),)), 'chance': 1 / count}
        own = {'name': f'{item.name}_{field}_{count}', 'ladder': f'{item.name}_{field}', 'data': {**item.data, field: count}}
        made.append(_like(item, **own, **other))
    return tuple(made)


def ladder(name: str | Task | OwnTask, rungs: dict) -> tuple[Task, ...]:
    """A task at several sizes of its base, `{suffix: changes}`: the same arms on each show how the effect changes with size.

    The tasks are called NAME_SUFFIX. They share a dataset, so they count as one dataset.

    >>> from ablations.config import put
    >>> [item.name for item in ladder('digits', {'small': (), 'large': put('channel.ratio', 8.0)})]
    ['digits_small', 'digits_large']
    """
    item = _task_of(name)
    if not isinstance(rungs, dict) or len(rungs) < 2:
        raise ValueError(f'ladder is {rungs!r}; give {{suffix: changes}} of two or more sizes')
    made = []
    for suffix, changes in rungs.items():
        own = {'name': f'{item.name}_{suffix}', 'base': changed(item.base, _tuple(changes)), 'ladder': item.name}
        made.append(_like(item, **own))
    return tuple(made)
