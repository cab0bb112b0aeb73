"""Configs and the two ways to change one: `put` an existing value, `swap` a whole spec.

A config is a complete dictionary of plain data; a *spec* in it is a dictionary with a `kind`. A ConfigDict checks names
and types. It lets some mistakes pass, which are refused here: a replaced subtree, None, a bool for an int, a new key.
"""

import dataclasses
import difflib
import math
import re
from collections.abc import Iterable

from ml_collections import ConfigDict, FrozenConfigDict

from ablations.neutral import neutral_fields, without_neutral

NAME = re.compile(r'[a-z][a-z0-9_]*')
"""The allowed names of studies, arms and tasks: they are parts of paths, of seeds and of commands."""
PLAIN = (bool, int, float, str)


def closest(given: str, allowed: Iterable[str]) -> str:
    """' Did you mean X?' where one of the allowed names is close, else ''.

    >>> closest('rmsnorm', ['layer_norm', 'rms_norm'])
    " Did you mean 'rms_norm'?"
    >>> closest('Y', ['x', 'y'])
    " Did you mean 'y'?"
    """
    names = [str(name) for name in allowed]
    alike = [name for name in names if name.lower() == str(given).lower() and name != given]
    close = alike or difflib.get_close_matches(str(given), names, n=1)
    return f" Did you mean '{close[0]}'?" if close else ''


def plain(value: object, where: str) -> object:
    """A deep copy of plain data, with lists for tuples. Raises ValueError, with the place, for anything else.

    >>> plain({'widths': (16, 32)}, 'base')
    {'widths': [16, 32]}
    """
    if isinstance(value, (ConfigDict, FrozenConfigDict)):
        value = value.to_dict()
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise ValueError(f'{where}: keys are strings, given {list(value)}; rename the keys')
        return {key: plain(item, f'{where}.{key}') for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, f'{where}[{i}]') for i, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f'{where}: given {value}, which has no digest; give a finite number')
    if isinstance(value, PLAIN):
        return value
    raise ValueError(
        f'{where}: given {type(value).__name__} {value!r}; a config holds only str, int, float, bool, lists and '
        'dictionaries of them; write the value as one of these'
    )


def _parent(config: ConfigDict, path: str) -> tuple[ConfigDict, str]:
    """The dictionary that holds the last name of `path`, and that name."""
    if not isinstance(path, str) or not path or '' in path.split('.'):
        raise ValueError(f"path {path!r} is not a dotted name such as 'channel.ratio'; write names joined by dots")
    *parents, last = path.split('.')
    for depth, name in enumerate([*parents, last]):
        here = '.'.join(path.split('.')[:depth]) or 'the config'
        if not isinstance(config, ConfigDict):
            raise ValueError(f"path '{path}': {here} is a plain value and has nothing below it; end the path there")
        if name not in config:
            unsaid = neutral_fields(path.partition('.')[0], config.get('kind'))
            if depth == len(parents) and name in unsaid:
                with config.unlocked():
                    config[name] = unsaid[name]
                continue
            allowed = sorted({*config.keys(), *unsaid})
            raise ValueError(f"path '{path}': {here} has no '{name}'; it has {allowed}.{closest(name, allowed)}")
        if depth < len(parents):
            config = config[name]
    return config, last


def _same_type(old: object, new: object) -> bool:
    if isinstance(old, bool) or isinstance(new, bool):
        return isinstance(old, bool) and isinstance(new, bool)
    if isinstance(old, float):
        return isinstance(new, (int, float))
    return type(old) is type(new)


@dataclasses.dataclass(frozen=True)
class Put:
    """Give an existing value of the config another value of the same type."""

    path: str
    value: object

    def __call__(self, config: ConfigDict) -> None:
        parent, name = _parent(config, self.path)
        old = parent[name]
        if isinstance(old, ConfigDict):
            raise ValueError(
                f"put('{self.path}', ...): '{self.path}' is a spec, not a value; use swap('{self.path}', kind, ...)"
            )
        if name == 'kind':
            socket = self.path.rpartition('.')[0]
            raise ValueError(
                f"put('{self.path}', ...) would keep the fields of another kind; use swap('{socket}', {self.value!r})"
            )
        old = list(old) if isinstance(old, (list, tuple)) else old
        new = plain(self.value, f"put('{self.path}')")
        alike = _same_type(old, new)
        if alike and isinstance(old, list) and old:
            alike = all(_same_type(old[0], item) for item in new)
        if not alike:
            raise ValueError(
                f"put('{self.path}', {self.value!r}): given {type(self.value).__name__}, allowed "
                f'{type(old).__name__} (now {old!r}); give a value of that type'
            )
        if isinstance(old, float):
            new = float(new)
        parent[name] = new

    def to_dict(self) -> dict:
        return {'put': self.path, 'value': plain(self.value, f"put('{self.path}')")}


@dataclasses.dataclass(frozen=True)
class Swap:
    """Replace a whole spec by another kind with its own fields."""

    path: str
    kind: str
    fields: tuple[tuple[str, object], ...] = ()

    def __call__(self, config: ConfigDict) -> None:
        parent, name = _parent(config, self.path)
        old = parent[name]
        if not isinstance(old, ConfigDict) or 'kind' not in old:
            raise ValueError(
                f"swap('{self.path}', ...): '{self.path}' is a plain value, not a spec with a kind; "
                f"use put('{self.path}', value)"
            )
        if not isinstance(self.kind, str):
            raise ValueError(f"swap('{self.path}', {self.kind!r}): the kind is a name in quotes")
        fields = {field: plain(value, f"swap('{self.path}').{field}") for field, value in self.fields}
        with config.unlocked():
            parent[name] = ConfigDict({'kind': self.kind, **fields}, convert_dict=True)

    def to_dict(self) -> dict:
        return {'swap': self.path, 'kind': self.kind, 'fields': plain(dict(self.fields), f"swap('{self.path}')")}


def put(path: str, value: object) -> Put:
    """A change: give the existing value at the dotted `path` another value of the same type.

    >>> changed({'channel': {'kind': 'mlp', 'ratio': 4.0}}, (put('channel.ratio', 2),))
    {'channel': {'kind': 'mlp', 'ratio': 2.0}}
    """
    return Put(path, value)


def swap(path: str, kind: str, **fields: object) -> Swap:
    """A change: replace the spec at the dotted `path` by `kind` with the given fields.

    >>> changed({'norm': {'kind': 'layer_norm', 'eps': 1e-6}}, (swap('norm', 'rms_norm'),))
    {'norm': {'kind': 'rms_norm'}}
    """
    return Swap(path, kind, tuple(sorted(fields.items())))


def changed(base: dict, changes: tuple) -> dict:
    """The config that `changes` make of `base`, as plain data; `base` stays as it is.

    Raises ValueError where a change does not apply: an unknown path, a wrong type, a spec put or a value swapped.

    >>> base = {'norm': {'kind': 'layer_norm'}, 'channel': {'kind': 'mlp', 'ratio': 4.0}}
    >>> changed(base, (swap('norm', 'rms_norm'), put('channel.ratio', 2.0)))
    {'channel': {'kind': 'mlp', 'ratio': 2.0}, 'norm': {'kind': 'rms_norm'}}
    >>> changed(base, (put('channel.rato', 2.0),))
    Traceback (most recent call last):
    ValueError: path 'channel.rato': channel has no 'rato'; it has ['bias', 'kind', ...]. Did you mean 'ratio'?
    """
    config = ConfigDict(plain(base, 'base'), convert_dict=True).lock()
    for change in changes:
        if not isinstance(change, (Put, Swap)):
            raise ValueError(f'{change!r} is not a change; an arm is a list of put(path, value) and swap(path, kind, ...)')
        change(config)
    return without_neutral(plain(config, 'config'))
