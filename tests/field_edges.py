"""Field edges: what is said where one field of a declaration has a value at or beyond its limits, or of another type."""

import math
import re
from collections.abc import Callable, Iterator, Mapping

WHOLE = (-1, 0, 1, 2, 1.5, True, '5', None)
REAL = (-1.0, 0.0, 1.0, 1.5, math.nan, math.inf, True, 'x', None)
WORDS = ('nothing_known', '', 5, None)
OTHERS = ((), ('x',), (1,), {}, {'x': 1}, 'x', 5, None)
HERE = re.compile(r' at 0x[0-9a-f]+|/\S*/|(?<=\[)[^\]]{300,}(?=\])')
"""What differs from one checkout to the next: places in memory and on disk, and long lists of all that there is."""


def values(default: object) -> tuple:
    """Values to try in place of one that is fine."""
    if isinstance(default, bool):
        return (1, 0, 'x', None)
    if isinstance(default, int):
        return (*WHOLE, default + 1, 999)
    if isinstance(default, float):
        return REAL
    return WORDS if isinstance(default, str) else OTHERS


def refusals(about: str, make: Callable, fine: Mapping[str, object], given: Mapping[str, tuple] = {}) -> Iterator[str]:
    """A line for each value of a field of `fine` with which `make(**fields)` raises ValueError.

    `given` has other values for some fields.
    """
    for name, default in fine.items():
        for value in given.get(name, values(default)):
            start = f'{about}.{name}={value!r}: '
            try:
                make(**{**fine, name: value})
            except ValueError as error:
                yield start + HERE.sub('..', ' '.join(str(error).split()))
            except (TypeError, AttributeError):  # a list of something else than is meant
                continue
