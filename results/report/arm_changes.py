"""Arm changes: what each arm changes of the model that it is compared with and of its training, in one line of words."""

from collections.abc import Iterator, Mapping

from ablations.neutral import neutral_fields
from ablations.schedules import value_text
from ablations.study import Study

NOTHING = 'nothing: the same model under another name'
USUAL = 'the usual value'
"""What a value of training has where a study says nothing of it (`archlab list optimizers`)."""
TUNED = 'tuned'
STACK = 'body.stack'
ENTRY_WORDS = ('at', 'times', 'stage', 'shared')
"""What an entry of a stack says of its place; all else in it are specs."""
SHARED = {'all': ', one set of parameters', 'turn': ', parameters shared in turn'}


def arm_changes(study: Study) -> dict[str, str]:
    """A line for each arm but the base: its changes, and where that is another value or kind, what they take the place of.

    Tasks whose bases differ are told one by one, unless the changes are the same in all of them.

    >>> from ablations.study import put, swap
    >>> arms = {'plain': (), 'gated': swap('channel', 'gated', ratio=2.5), 'again': (), 'wider': put('channel.ratio', 6.0)}
    >>> arm_changes(Study(name='mine', question='?', arms=arms, tasks=('digits',)))['gated']
    'channel gated (ratio 2.5), not mlp'
    """
    return {arm: _line(study, arm) for arm in study.arms if arm != study.base}


def _line(study: Study, arm: str) -> str:
    reference = study.reference(arm)
    by_task = {
        task.name: list(_changes(study.model(reference, task.name), study.model(arm, task.name))) for task in study.tasks
    }
    now, before = (study.optimizers_of(name) for name in (arm, reference))
    ending = [f'optimizer {" or ".join(now)}, not {" or ".join(before)}'] if now != before else []
    ending += list(_other_values(study, arm, reference))
    told = {*study.fixed_of(arm), *study.fixed_of(reference)}
    own = [name for name in study.own.get(arm, ()) if name not in told]
    ending += [f'tunes {", ".join(own)} too'] if own else []
    beside = f' (beside {reference})' if reference != study.base else ''
    for told in (_with_before, _without_before):
        alike = {'; '.join(map(told, changes)) for changes in by_task.values()}
        if len(alike) == 1:
            return ('; '.join(filter(None, [*alike, *ending])) or NOTHING) + beside
    tasks: dict[str, list[str]] = {}
    for task, changes in by_task.items():
        tasks.setdefault('; '.join(map(_with_before, changes)) or 'nothing', []).append(task)
    return '; '.join([*(f'on {" and ".join(names)}: {line}' for line, names in tasks.items()), *ending]) + beside


def _other_values(study: Study, arm: str, reference: str) -> Iterator[str]:
    """The values of training that an arm has and its reference has not, each with what it takes the place of."""
    fixed = {one: study.fixed_of(one) for one in (arm, reference)}

    def words(of: str, name: str) -> str:
        if name in study.own.get(of, ()):
            return TUNED
        return value_text(name, fixed[of][name]) if name in fixed[of] else USUAL

    for name in sorted({*fixed[arm], *fixed[reference]}):
        now, before = words(arm, name), words(reference, name)
        if now != before:
            yield f'{name} {now}, not {before}'


def _with_before(change: tuple[str, str, str]) -> str:
    path, now, before = change
    return f'{path} {now}{f", not {before}" if before else ""}'


def _without_before(change: tuple[str, str, str]) -> str:
    return f'{change[0]} {change[1]}'


def _changes(before: Mapping, now: Mapping, path: str = '') -> Iterator[tuple[str, str, str]]:
    """(path, what stands there now, what stood there) of all that differs; a kind that is another is one change, with its
    fields."""
    # A field that is left out has its neutral value.
    unsaid = neutral_fields(path, now.get('kind')) if path else {}
    for name in dict.fromkeys([*now, *before]):
        place = f'{path}.{name}' if path else name
        old, new = (one.get(name, unsaid.get(name)) for one in (before, now))
        if old == new:
            continue
        if place == STACK:
            yield 'layers', f'in turn: {", then ".join(map(_entry, new))}' if new else 'all alike', ''
        elif isinstance(old, Mapping) and isinstance(new, Mapping) and old.get('kind') == new.get('kind'):
            yield from _changes(old, new, place)
        else:
            old_words = '' if old is None else old['kind'] if isinstance(old, Mapping) and 'kind' in old else _words(old)
            yield place, 'left out' if new is None else _words(new), old_words


def _words(value: object) -> str:
    """A value, or a spec as its kind with its fields behind it."""
    if isinstance(value, Mapping):
        fields = ', '.join(f'{name} {_words(inner)}' for name, inner in value.items() if name != 'kind')
        return f'{value.get("kind", "")} ({fields})'.strip() if fields else str(value.get('kind', 'as it is'))
    if isinstance(value, bool):
        return 'on' if value else 'off'
    if isinstance(value, float):
        return f'{value:.4g}'
    if isinstance(value, (list, tuple)):
        return ' '.join(map(_words, value)) or 'none'
    return str(value)


def _entry(entry: Mapping) -> str:
    """An entry of a stack: how many layers, where, and what is in them."""
    parts = [f'{socket} {_words(spec)}' for socket, spec in entry.items() if socket not in ENTRY_WORDS]
    line = ' and '.join(parts) or 'as the base'
    if entry.get('times', 1) != 1:
        line = f'{entry["times"]} of {line}'
    if 'at' in entry:
        line = f'{entry["at"]} {line}'
    if 'stage' in entry:
        line = f'stage {entry["stage"]} {line}'
    return line + SHARED.get(entry.get('shared'), '')
