"""Specs: a config as flat values with defaults, and the differences of two configs."""

import dataclasses
from collections.abc import Mapping, Sequence

from arch.make import fields


def defaults(cls: type) -> dict[str, object]:
    """The fields that a spec may set on a kind, with their defaults; None for a field that a spec must set."""
    defaults_by_field = {}
    for name, field in fields(cls).items():
        value = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        value = None if value is dataclasses.MISSING else value
        defaults_by_field[name] = list(value) if isinstance(value, tuple) else value
    return defaults_by_field


def values(config: dict, tables: Mapping[str, Mapping[str, type]]) -> dict[str, object]:
    """Every value of a config by its path, defaults included, in the order of the sockets: {'mixer.kind': 'conv', ...}."""
    flat = {}
    for socket, table in tables.items():
        spec = config[socket]
        whole = {'kind': spec['kind'], **defaults(table[spec['kind']]), **spec}
        stack = whole.pop('stack', ()) if socket == 'body' else ()
        flat.update({f'{socket}.{field}': value for field, value in whole.items()})
        flat.update(_of_stack(stack))
    return flat


def _of_stack(stack: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """Every value of a stack by its path; a spec in few words.

    >>> _of_stack([{'times': 2}, {'mixer': {'kind': 'conv', 'kernel': 5}, 'position': {'base': 2.0}}])
    {'body.stack.0.times': 2, 'body.stack.1.mixer': 'conv kernel=5', 'body.stack.1.position': 'base=2.0'}
    """

    def words(value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        return ' '.join(said if name == 'kind' else f'{name}={said}' for name, said in value.items())

    whole = [entry or {'layers': 'as the base'} for entry in stack]
    return {f'body.stack.{number}.{name}': words(value) for number, entry in enumerate(whole) for name, value in entry.items()}


def differences(a: Mapping[str, object], b: Mapping[str, object]) -> list[dict]:
    """The differences of two flat configs: [{path, a, b}], with None for an absent value. Sockets stay together.

    >>> differences({'norm.kind': 'layer_norm', 'norm.eps': 1e-6}, {'norm.kind': 'rms_norm', 'norm.eps': 1e-6})
    [{'path': 'norm.kind', 'a': 'layer_norm', 'b': 'rms_norm'}]
    """
    sockets = list(dict.fromkeys(path.partition('.')[0] for path in (*a, *b)))
    paths = sorted(dict.fromkeys((*a, *b)), key=lambda path: sockets.index(path.partition('.')[0]))
    unlike = [path for path in paths if (path in a) != (path in b) or a.get(path) != b.get(path)]
    return [{'path': path, 'a': a.get(path), 'b': b.get(path)} for path in unlike]
