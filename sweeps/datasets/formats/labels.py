"""Labels: whole numbers from 0 that name a class."""

import numpy as np


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
    if label < 0 or (classes is not None and label >= classes):
        top = 'up' if classes is None else str(classes - 1)
        raise ValueError(f'{name}: label {label}; allowed: 0 to {top}; unlabelled examples (-1) cannot be used')
    return int(label)
