"""Coded: what the best reference coder needs of the test text of a task, and the file in which that is told.

`archlab data reference TASK --out FILE` measures it, which takes the data and jax; whoever reads runs needs the file alone. An
entry is of the data that it was measured on: the digest of their declaration, and the checksum of the sealed examples, which
the records have too. So a coder of another Python's sources, or of a set that was prepared anew, is never put beside a run.
"""

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from ablations.digest import digest
from results.rounding import plain
from results.store import atomic, regular

SHIPPED = Path(__file__).parent / 'coders.json'
"""The coders of the lab's own tasks, as measured where the published studies ran."""


@dataclasses.dataclass(frozen=True)
class Coded:
    """The best reference coder of a task's test text, in bits per byte.

    task            the task's name when it was measured
    data, test      the digest of the task's data spec, and the checksum of the sealed examples
    unit            the unit of the task's score, and `bits_per_byte` what a score is multiplied by to be in bits per byte
    best, coder     what the best coder needs, and which it is
    floor           what nobody goes below but by chance, where that is known
    train_bytes     bytes that a replicate trains on; `pool_bytes` are what the coder learned from, `test_bytes` what it coded
    """

    task: str
    data: str
    test: str
    unit: str
    bits_per_byte: float
    best: float
    coder: str
    train_bytes: int
    pool_bytes: int
    test_bytes: int
    floor: float | None = None

    def __post_init__(self):
        for name in ('task', 'data', 'test', 'unit', 'coder'):
            if not isinstance(getattr(self, name), str):
                raise ValueError(f'{name}={getattr(self, name)!r}; allowed: a text')
        sizes = ('bits_per_byte', 'train_bytes', 'pool_bytes', 'test_bytes')
        for name in (*sizes, 'best', *(['floor'] if self.floor is not None else [])):
            value = getattr(self, name)
            number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
            if not number or value < 0 or (name in sizes and value == 0):
                raise ValueError(f'{name}={value!r}; allowed: a number {"above 0" if name in sizes else "from 0 on"}')

    def to_dict(self) -> dict:
        """Plain data, numbers rounded to six significant digits but for the factor, which converts more exact ones."""
        return {**plain(self), 'bits_per_byte': self.bits_per_byte}


Key = tuple[str, str]
"""The digest of a data spec and the checksum of its sealed examples."""


def key_of(data: Mapping, test: str) -> Key:
    """The key of a task's data spec and the checksum of its sealed examples."""
    return digest(data), test


def read(path: Path) -> dict[Key, Coded]:
    """The entries of a file by their keys. Raises ValueError where it is damaged or not there."""
    try:
        content = json.loads(regular.read(path))
        entries = [Coded(**entry) for entry in content['coders']]
    except OSError as error:
        raise ValueError(f'{path} cannot be read ({error.strerror}); {_made(path)}') from None
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(f'{path} is no file of reference coders ({error}); {_made(path)}') from None
    return {(entry.data, entry.test): entry for entry in entries}


def shipped() -> dict[Key, Coded]:
    """The entries of the lab's own tasks."""
    return read(SHIPPED)


def _made(path: Path) -> str:
    return f'it is made by: archlab data reference TASK --out {path}'


def written(path: Path, entries: Iterable[Coded]) -> None:
    """Put entries into a file, in place of those of the same data; others stay. Raises ValueError as `read` does."""
    there = read(path) if path.exists() else {}
    there |= {(entry.data, entry.test): entry for entry in entries}
    ordered = sorted(there.values(), key=lambda entry: (entry.task, entry.data, entry.test))
    atomic.replace(path, json.dumps({'coders': [entry.to_dict() for entry in ordered]}, indent=1) + '\n')
