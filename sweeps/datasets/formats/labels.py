"""Labels: whole numbers from 0 that name a class."""

from collections.abc import Sequence

import numpy as np

SPARSE = 1 << 16
"""Classes that a set without names of its classes may have by its largest number; above, numbers with gaps are made dense."""


def dense(ys: Sequence[np.ndarray | None], names: list[str] | None) -> tuple[list[np.ndarray | None], list[str] | None]:
    """The classes of all splits as int32, and their names.

    Numbers with gaps from SPARSE on, such as those of a database, become 0, 1, 2 ... in their order, and their names the
    numbers. All others stay. Raises ValueError where a number has no name or no room in int32.

    >>> dense([np.array([70000, 5]), np.array([5])], None)
    ([array([1, 0], dtype=int32), array([0], dtype=int32)], ['5', '70000'])
    """
    there = [y for y in ys if y is not None and len(y)]
    largest = max((int(y.max()) for y in there), default=0)
    if names is None and largest >= SPARSE:
        numbers = np.unique(np.concatenate([np.unique(y) for y in there]))
        if len(numbers) <= largest:
            return [None if y is None else np.searchsorted(numbers, y).astype(np.int32) for y in ys], list(map(str, numbers))
    if largest > np.iinfo(np.int32).max:
        raise ValueError(f'class {largest}; allowed: 0 to {np.iinfo(np.int32).max}; give the right labels')
    return [None if y is None else np.asarray(y, np.int32) for y in ys], names


def checked_labels(y: np.ndarray, classes: int, name: str) -> np.ndarray:
    """The labels as int32. Raises ValueError, which names the file, if one is outside 0 to classes - 1."""
    wrong = np.flatnonzero((y < 0) | (y >= classes))
    if len(wrong):
        raise ValueError(
            f'{name}: label {y[wrong[0]]} of example {wrong[0]} (and {len(wrong) - 1} more outside); allowed: 0 to '
            f'{classes - 1}; check that these are the labels, and of a set of {classes} classes'
        )
    return y.astype(np.int32)


def checked_label(label: object, classes: int | None, name: str) -> int:
    """One label as int. Raises ValueError, which names the example, if it is no whole number from 0 to `classes` - 1."""
    if isinstance(label, bool) or not isinstance(label, int | np.integer):
        raise ValueError(f'{name}: label {label!r}; allowed: a whole number; give the column or file that holds the class')
    top = np.iinfo(np.int64).max if classes is None else classes - 1
    if not 0 <= label <= top:
        raise ValueError(f'{name}: label {label}; allowed: 0 to {top}; unlabelled examples (-1) cannot be used')
    return int(label)
