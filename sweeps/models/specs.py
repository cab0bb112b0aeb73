"""Specs: a config as a flat list of values, defaults included, and where two of them differ."""

import dataclasses
from collections.abc import Mapping

from arch.make import fields


def defaults(cls: type) -> dict[str, object]:
    """The fields that a spec may set on a kind, with the values that they have where it sets none; None where it must."""
    found = {}
    for name, field in fields(cls).items():
        value = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        value = None if value is dataclasses.MISSING else value
        found[name] = list(value) if isinstance(value, tuple) else value
    return found


def values(config: dict, tables: Mapping[str, Mapping[str, type]]) -> dict[str, object]:
    """Every value of a config by its path, defaults too, in the order of the sockets: {'mixer.kind': 'conv', ...}."""
    found = {}
    for socket, table in tables.items():
        spec = config[socket]
        whole = {'kind': spec['kind'], **defaults(table[spec['kind']]), **spec}
        found.update({f'{socket}.{field}': value for field, value in whole.items()})
    return found


def differences(a: Mapping[str, object], b: Mapping[str, object]) -> list[dict]:
    """Where two lists of values differ: [{path, a, b}], None where one has no such value; a socket's values together."""
    sockets = list(dict.fromkeys(path.partition('.')[0] for path in (*a, *b)))
    paths = sorted(dict.fromkeys((*a, *b)), key=lambda path: sockets.index(path.partition('.')[0]))
    unlike = [path for path in paths if (path in a) != (path in b) or a.get(path) != b.get(path)]
    return [{'path': path, 'a': a.get(path), 'b': b.get(path)} for path in unlike]
