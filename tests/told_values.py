"""Told values: any answer of the lab as lines for a golden text, numbers to four digits and long lists by their ends."""

import dataclasses
import json
from collections.abc import Mapping

import numpy as np

LONG = 6
"""A list with more is told by its first three, its last, and how many there are."""

MANY = 256
"""An array with more numbers is told by its type, its shape and its sum."""


def plain(value: object) -> object:
    """Dataclasses as mappings, arrays as lists, decimals as text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(own) for key, own in value.items()}
    if isinstance(value, np.ndarray) and value.size > MANY:
        numbers = value.astype(float) if value.dtype.kind in 'iufb' else np.zeros(1)
        return {'type': str(value.dtype), 'shape': list(value.shape), 'sum': plain(float(numbers.sum()))}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        own = [plain(one) for one in (sorted(value, key=str) if isinstance(value, set | frozenset) else value)]
        return own if len(own) <= LONG else [*own[:3], f'... of {len(own)}', own[-1]]
    if isinstance(value, float):
        return f'{value:#.4g}'
    return value if isinstance(value, str | int | bool | type(None)) else str(type(value).__name__)


def told(name: str, value: object) -> list[str]:
    """A heading and a line for each part of a list or mapping."""
    value = plain(value)
    if isinstance(value, dict):
        return [name, *(f'  {key} {json.dumps(own, ensure_ascii=False)}' for key, own in value.items())]
    if isinstance(value, list):
        return [name, *(f'  {json.dumps(own, ensure_ascii=False)}' for own in value)]
    return [f'{name} {json.dumps(value, ensure_ascii=False)}']
