"""Targets: what the examples of a prepared set are asked for, in one of four forms.

    class    y int32 [n]: the class of each example; `classes` names them
    values   y float32 [n, T]: numbers, NaN where one is missing; `targets` names them
    labels   y float32 [n, T]: 1 or 0 for each label, NaN where it is missing; `targets` names them
    map      y int16 or int32: the class of each place of an example, -1 where it has none; `classes` names them. [n, H, W] for
             images and maps, [n, N] for series; for ragged sets as long as x, [total], with the same offsets

`about` of a set says the form as `target`. A set without that entry has classes if it has a y.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

TARGETS = ('class', 'values', 'labels', 'map')
NAMED = ('values', 'labels')
"""The forms whose targets have a name each."""
ROWS = 1 << 20
"""Numbers of y that are read at a time, about."""


class Split(Protocol):
    """What is read of a split: `y`, memory-mapped or not."""

    y: np.ndarray | None


def form_of(about: Mapping, y: np.ndarray | None) -> str | None:
    """The form of a set's targets; None where it has none. Raises ValueError for a y that does not fit it.

    >>> form_of({}, np.array([0, 1], np.int32)), form_of({'target': 'values'}, np.zeros((2, 3), np.float32)), form_of({}, None)
    ('class', 'values', None)
    """
    form = about.get('target')
    if form is None and (y is None or (np.issubdtype(y.dtype, np.integer) and y.ndim == 1)):
        return None if y is None else 'class'
    if form not in TARGETS:
        given = 'no target' if form is None else f"target '{form}'"
        raise ValueError(f'{given} for y of {y.dtype} {list(y.shape)}; allowed: {list(TARGETS)}; say what y holds')
    if y is None:
        raise ValueError(f"target '{form}' and no y; give every example its target, or leave the entry out")
    fits = y.dtype == np.float32 and y.ndim == 2 if form in NAMED else np.issubdtype(y.dtype, np.integer)
    if not fits or (form == 'class' and y.ndim != 1):
        wanted = {'class': 'int32 [n]', 'map': 'int16 or int32, of the places of x'}.get(form, 'float32 [n, T]')
        raise ValueError(f"target '{form}' with y of {y.dtype} {list(y.shape)}; allowed: {wanted}; convert y")
    return form


def contradictions(group: np.ndarray, y: np.ndarray) -> int:
    """How many examples have the content of an example of another class; `group` is by content.

    >>> contradictions(np.array([0, 0, 1, 1, 2]), np.array([0, 1, 1, 1, 0]))
    2
    """
    pairs = np.unique(np.stack([group, y]), axis=1)[0]
    several = np.unique(pairs)[np.unique(pairs, return_counts=True)[1] > 1]
    return int(np.isin(group, several).sum())


def facts(form: str | None, parts: Mapping[str, Split], names: Sequence[str] | None) -> dict:
    """What `about` says of targets with names: {} for other forms. `names` are those of the targets, numbers if there are none.

    `known` counts known values, by split and target, and `positive` the labels of 1. `target_mean` and `target_std` are the
    moments of the pool's values. Raises ValueError for names of another number, for values that are infinite, and for labels
    other than 0, 1 and NaN.
    """
    if form not in NAMED:
        return {}
    counts = {split: _counted(form, np.asarray(part.y), split) for split, part in parts.items()}
    size = parts['pool'].y.shape[1]
    names = [str(number) for number in range(size)] if names is None else list(names)
    if len(names) != size or len(set(names)) != size:
        raise ValueError(f'{len(names)} names {names[:5]} for {size} targets; give every target one name of its own')
    made = {'target': form, 'targets': names, 'known': {split: known.tolist() for split, (known, _, _) in counts.items()}}
    if form == 'labels':
        return made | {'positive': {split: total.astype(int).tolist() for split, (_, total, _) in counts.items()}}
    known, total, squares = counts['pool']
    mean = total / np.maximum(known, 1)
    deviation = np.sqrt(np.maximum(squares / np.maximum(known, 1), 0))
    return made | {'target_mean': mean.tolist(), 'target_std': deviation.tolist()}


def _counted(form: str, y: np.ndarray, split: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each target: how many are known, their sum, and the sum of squares about their mean, in float64."""
    there = ~np.isnan(y)
    known, values = there.sum(0), np.where(there, y, 0).astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError(f'a target of {split} is infinite; allowed: numbers, or NaN for a missing one; mend the targets')
    if form == 'labels' and not np.isin(values, (0, 1)).all():
        wrong = values[~np.isin(values, (0, 1))][0]
        raise ValueError(
            f"a label of {split} is {wrong:g}; allowed: 0, 1 or NaN for a missing one; target 'values' takes numbers"
        )
    total = values.sum(0)
    squares = (np.where(there, values - total / np.maximum(known, 1), 0) ** 2).sum(0)
    return known, total, squares


def balance(form: str | None, y: np.ndarray | None) -> list[int] | None:
    """How many examples of each class, or places of each class of a map; None for other forms. Raises ValueError below -1."""
    if form == 'class':
        return np.bincount(y).tolist()
    if form != 'map':
        return None
    counts, flat = np.zeros(0, np.int64), y.reshape(-1)
    for start in range(0, len(flat), ROWS):
        block = np.asarray(flat[start : start + ROWS], np.int64)
        if block.min() < -1:
            raise ValueError(f'a map has the class {block.min()}; allowed: -1 (none) and up; mend the map')
        more = np.bincount(block[block >= 0])
        size = max(len(counts), len(more))
        counts = np.pad(counts, (0, size - len(counts))) + np.pad(more, (0, size - len(more)))
    return counts.tolist()
