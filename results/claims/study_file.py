"""Study file: a claim translated back into the study that tests it, an independent repetition: from its own name follow the
points and seeds of its tuning, its confirmation seeds and its data splits."""

import dataclasses
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from ablations.choices import Choice
from ablations.config import Put, Swap, changed, swap
from ablations.ranges import Integer
from ablations.space_rules import Tunable
from ablations.study import Study, default_looks
from ablations.tasks import TASKS, Task
from ablations.user_file import content_hash
from results.claims.claim import Claim
from results.claims.difference import differences
from results.claims.sentence import sentence_of

OWN = ('name', 'question', 'arms', 'tasks', 'tune', 'optimizers', 'own', 'arm_fixed', 'against', 'levels', 'shape', 'blocks')
"""Fields that the study file gets from the claim, not from the claim's study."""


def fresh_name(claim: Claim, taken: Collection[str]) -> str:
    """A name for the new study that no study has: trials and seeds derive from names.

    A study of the same name would train the same runs with the same seeds, and say the same.
    """
    name = f'{claim.arm}_against_{claim.base}_{claim.digest[:6]}'
    return next(
        tried for number in range(1, len(taken) + 2) if (tried := name if number == 1 else f'{name}_{number}') not in taken
    )


def study_file(claim: Claim, study: Study, taken: Collection[str] = (), blocks: Path | None = None) -> str:
    """The text of a study file that tests a claim of `study` anew.

    It has the base, the arm, and the arm's reference if that is another one; the tasks of the claim, and the numbers of the
    study's protocol. `taken` are names of studies that were run. Raises ValueError for a study with a block file if `blocks` is
    another file.
    """
    _check_blocks(claim, blocks)
    name, arms = fresh_name(claim, taken), [study.base, claim.base, claim.arm]
    tasks = [study.task(task) for task in claim.tasks]
    own = {arm: study.own[arm] for arm in dict.fromkeys(arms) if arm in study.own}
    optimizers = {arm: study.optimizers[arm] for arm in dict.fromkeys(arms) if arm in study.optimizers}
    fixed = {arm: study.arm_fixed[arm] for arm in dict.fromkeys(arms) if arm in study.arm_fixed}
    used = {optimizer for arm in arms for optimizer in study.optimizers_of(arm)}
    fields = {
        'name': repr(name),
        'question': '__doc__',
        'arms': _arms(study, list(dict.fromkeys(arms))),
        'tasks': _several([_task(item) for item in tasks]),
        'tune': _tune({optimizer: space for optimizer, space in study.tune.items() if optimizer in used}),
        **({'optimizers': repr(optimizers)} if optimizers else {}),
        **({'own': _tune(own)} if own else {}),
        **({'arm_fixed': repr(fixed)} if fixed else {}),
        **({} if claim.base == study.base else {'against': repr({claim.arm: claim.base})}),
        **_protocol(study),
        **({'blocks': repr(str(blocks.resolve()))} if blocks else {}),
    }
    body = ''.join(f'    {field}={value},\n' for field, value in fields.items())
    text = f'study = Study(\n{body})\n'
    return f'{_docstring(claim)}\n\n{_imports(text)}\n\n{text}'


def _check_blocks(claim: Claim, blocks: Path | None) -> None:
    if not claim.blocks:
        if blocks is not None:
            raise ValueError(f'--blocks {blocks}: the claim is of a study without a block file; leave the option out')
        return
    if blocks is None:
        raise ValueError(
            f'the claim is of a study with a block file of its own, whose hash is {claim.blocks}; give that file: --blocks FILE'
        )
    if not blocks.is_file():
        raise ValueError(f'--blocks {blocks}: no such file; give the block file of the study, whose hash is {claim.blocks}')
    if (given := content_hash(blocks.read_bytes())) != claim.blocks:
        raise ValueError(
            f'--blocks {blocks} is another file, or another version of it (its hash is {given}); the claim is of {claim.blocks}'
        )


def _docstring(claim: Claim) -> str:
    asked = f'Does it hold that, at this scale, {claim.arm} {_asked(claim)}?'
    lines = [
        asked,
        '',
        f'Tests anew a claim of the study {claim.study} ({claim.study_digest}), claim {claim.digest}:',
        str(sentence_of(claim)),
    ]
    text = '\n'.join(lines).replace('\\', '\\\\').replace('"""', '\\"\\"\\"')
    return f'"""{text}\n"""'


def _asked(claim: Claim) -> str:
    return {
        'better': f'is better than {claim.base}',
        'worse': f'is worse than {claim.base}',
        'equivalent': f'is equivalent to {claim.base}',
        'unstable': f'diverges at another rate than {claim.base}',
    }.get(claim.verdict, f'is better or worse than {claim.base}')


def _imports(text: str) -> str:
    """The imports of the words that a text uses."""
    words = set(re.findall(r"(?<![\w.'\"])(\w+)\(", text))
    spaces = sorted(words & {'log', 'linear', 'integer', 'choice'})
    lines = ['from ablations.config import changed'] * ('changed' in words)
    lines += [f'from ablations.spaces import {", ".join(spaces)}'] * bool(spaces)
    lines.append(f'from ablations.study import {", ".join(["Study", *sorted(words & {"put", "swap", "task"})])}')
    return '\n'.join(lines + ['from ablations.tasks import Task'] * ('Task' in words))


def _several(items: list[str]) -> str:
    """A tuple, one item a line."""
    inner = ''.join(f'        {item},\n' for item in items)
    return f'(\n{inner}    )'


def _arms(study: Study, names: list[str]) -> str:
    lines = []
    for name in names:
        changes = [_change(change.to_dict()) for change in study.arms[name]]
        lines.append(f'        {name!r}: ({", ".join(changes)}{"," * (len(changes) == 1)}),\n')
    return f'{{\n{"".join(lines)}    }}'


def _change(described: Mapping) -> str:
    if 'put' in described:
        return f'put({described["put"]!r}, {described["value"]!r})'
    fields = described['fields']
    if all(name.isidentifier() for name in fields):
        given = ''.join(f', {name}={value!r}' for name, value in fields.items())
    else:
        given = f', **{fields!r}'
    return f'swap({described["swap"]!r}, {described["kind"]!r}{given})'


def _task(item: Task) -> str:
    """A task of the lab by its name, with what is otherwise; any other task in full."""
    known = TASKS.get(item.name) or TASKS.get(item.ladder) or TASKS.get(item.ladder.rpartition('_')[0])
    if item == known:
        return repr(item.name)
    fields = {field.name: getattr(item, field.name) for field in dataclasses.fields(Task)}
    if known is None:
        return f'Task({", ".join(f"{name}={value!r}" for name, value in fields.items())})'
    other = {name: repr(value) for name, value in fields.items() if value != getattr(known, name)}
    if 'base' in other:
        other['base'] = _base(known, item.base)
    return f'task({known.name!r}, {", ".join(f"{name}={value}" for name, value in other.items())})'


def _base(known: Task, base: dict) -> str:
    """A base model, as changes of a task's base if possible."""
    changes = []
    for one in differences(known.base, base):
        if all(isinstance(one[end], dict) for end in ('from', 'to')):
            fields = {name: value for name, value in one['to'].items() if name != 'kind'}
            changes.append(Swap(one['path'], one['to'].get('kind'), swap('', '', **fields).fields))
        else:
            changes.append(Put(one['path'], one['to']))
    try:
        same = changed(known.base, tuple(changes)) == base
    except ValueError:
        same = False
    # Where a field is left out, no change says so.
    if not same:
        return repr(base)
    said = ''.join(f'{_change(change.to_dict())}, ' for change in changes)
    return f'changed(task({known.name!r}).base, ({said.rstrip() if len(changes) == 1 else said[:-2]}))'


def _tune(spaces: Mapping[str, Mapping[str, Tunable]]) -> str:
    lines = []
    for name, space in spaces.items():
        inner = ', '.join(f'{value!r}: {_range(values)}' for value, values in space.items())
        lines.append(f'        {name!r}: {{{inner}}},\n')
    return f'{{\n{"".join(lines)}    }}'


def _range(values: Tunable) -> str:
    plain = values.to_dict()
    if isinstance(values, Choice):
        return f'choice({", ".join(map(repr, values.values))})'
    bounds = ''
    if plain.get('bounds') is not None:
        low, high = plain['bounds']
        low, high = ("float('-inf')" if low is None else repr(low)), ("float('inf')" if high is None else repr(high))
        bounds = f', bounds=({low}, {high})'
    if isinstance(values, Integer):
        return f'integer({values.low!r}, {values.high!r}, log={values.log!r}{bounds})'
    return f'{values.scale}({values.low!r}, {values.high!r}{bounds})'


def _protocol(study: Study) -> dict[str, str]:
    """The numbers of a study's protocol that are not the lab's own."""
    made = {}
    for field in dataclasses.fields(Study):
        value = getattr(study, field.name)
        default = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
        if field.name == 'looks' and value == default_looks(study.replicates):
            value = ()
        if field.name not in OWN and value != default:
            made[field.name] = repr(value)
    return made
