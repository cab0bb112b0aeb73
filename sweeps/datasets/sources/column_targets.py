"""Column targets: what columns of a table ask for: a class, numbers, or labels of which any may hold."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ablations.option_words import option
from sweeps.datasets.formats.columns import Value
from sweeps.datasets.sources.column_numbers import as_number, check_categories, numbers_of

MOST_CODES = 20
"""Whole numbers that count from 0 or 1 up to here are taken for classes; others are asked about."""
MISSING_TEXT = 'nothing, NA, NaN, null or ?'


@dataclasses.dataclass(frozen=True)
class Targets:
    """The targets of all rows. `form` as in sweeps/datasets/targets.py, '' without any; `y` [n] or [n, T]; names of classes or
    of targets; `there` [n] says which rows have a target at all; `said` how the form was told."""

    form: str
    y: np.ndarray | None
    names: list[str] | None
    there: np.ndarray
    said: str = ''


def targets_of(columns: dict[str, Sequence[Value]], predict: str | None, rows: int) -> Targets:
    """The targets in some columns; raises ValueError if their question can't be known, with the option to give."""
    if not columns or predict == 'tokens':
        return Targets('', None, None, np.ones(rows, bool))
    if predict == 'map':
        raise ValueError(f'{option("predict", "map")}: a table has no class for each place; allowed: class, values or labels')
    numbers = {name: numbers_of(values) for name, values in columns.items()}
    form = predict or _form(columns, numbers)
    if form == 'class':
        if len(columns) > 1:
            raise ValueError(
                f'{option("predict", "class")} of {len(columns)} target columns; allowed: one; name one, or predict labels'
            )
        ((name, values),) = columns.items()
        return _classes(name, values, numbers[name], predict is None)
    wrong = next((name for name, own in numbers.items() if own is None), None)
    if wrong is not None:
        text = next(value for value in columns[wrong] if value is not None and as_number(value) is None)
        raise ValueError(f"target column '{wrong}' has {str(text)[:40]!r}; allowed: numbers for {option('predict', form)}")
    with np.errstate(over='ignore'):
        y = np.stack(list(numbers.values()), 1).astype(np.float32)
    beyond = np.argwhere(np.isinf(y))
    if len(beyond):
        row, at = beyond[0]
        name = list(numbers)[at]
        raise ValueError(f"target column '{name}', row {row + 1}: {numbers[name][row]:g}; allowed: finite numbers of float32")
    if form == 'labels' and not np.isin(y[~np.isnan(y)], (0, 1)).all():
        raise ValueError(
            f'{option("predict", "labels")}: {list(columns)[:5]} hold other numbers than 0 and 1; give '
            f'{option("predict", "values")}'
        )
    lacking = [name for name, own in numbers.items() if np.isnan(own).all()]
    if lacking:
        raise ValueError(f"target column '{lacking[0]}' is empty; leave it out of target")
    same = [name for name, own in numbers.items() if form == 'values' and np.ptp(own[~np.isnan(own)]) == 0]
    if same:
        value = numbers[same[0]][~np.isnan(numbers[same[0]])][0]
        raise ValueError(f"target column '{same[0]}' is {value:g} in every row; leave it out of target")
    said = '' if predict else f'{_told(list(columns))} taken for {form}; {option("predict")} says otherwise'
    if form == 'labels' and len(columns) > 1 and (y.sum(1) == 1).all():
        one = (
            f'exactly one of the {len(columns)} labels holds in every row: if they are one class, give the class in their place'
        )
        said = '; '.join(filter(None, [said, one]))
    return Targets(form, y, list(columns), ~np.isnan(y).all(1), said)


def _told(names: list[str]) -> str:
    return f"target column '{names[0]}' is" if len(names) == 1 else f'{len(names)} targets are'


def _form(columns: dict[str, Sequence[Value]], numbers: dict[str, np.ndarray | None]) -> str:
    """The question of the columns, by their values."""
    if len(columns) > 1:
        if any(own is None for own in numbers.values()):
            text = [name for name, own in numbers.items() if own is None]
            raise ValueError(f'targets {text} are no numbers; allowed: one column of classes, or several of numbers; name one')
        known = np.concatenate([own[~np.isnan(own)] for own in numbers.values()])
        return 'labels' if np.isin(known, (0, 1)).all() else 'values'
    ((name, values),) = columns.items()
    own = numbers[name]
    if own is None or any(isinstance(value, bool) for value in values):
        return 'class'
    known = own[~np.isnan(own)]
    if not len(known):
        raise ValueError(f"target column '{name}' is empty; name another column")
    # Beyond these every number of float64 is whole.
    if (known != np.rint(known)).any() or abs(known).max() > 2**53:
        return 'values'
    codes = np.unique(known).astype(np.int64)
    counted = len(codes) and codes[0] in (0, 1) and len(codes) == codes[-1] - codes[0] + 1
    if counted and 2 <= len(codes) <= MOST_CODES and len(known) >= 4 * len(codes):
        return 'class'
    raise ValueError(
        f"target column '{name}' has {len(codes)} different whole numbers from {codes[0]} to {codes[-1]}: whether "
        f'they are classes or numbers can not be known; give {option("predict", "class")} or {option("predict", "values")}'
    )


def _classes(name: str, values: Sequence[Value], numbers: np.ndarray | None, said: bool) -> Targets:
    there = np.array([value is not None for value in values], bool)
    whole = numbers is not None and (numbers[there] == np.rint(numbers[there])).all()
    if whole:
        codes = np.unique(numbers[there])
        names = [f'{code:.0f}' for code in codes]
        y = np.searchsorted(codes, np.where(there, numbers, codes[0] if len(codes) else 0))
    else:
        check_categories('target', name, values)
        names = sorted({str(value) for value in values if value is not None})
        places = {one: place for place, one in enumerate(names)}
        y = np.array([places[str(value)] if value is not None else 0 for value in values])
    if len(names) < 2:
        raise ValueError(f"target column '{name}' has {len(names)} class; allowed: two or more; name another column")
    if len(names) > max(len(values) // 2, 2):
        raise ValueError(
            f"target column '{name}' has {len(names)} different values in {len(values)} rows; allowed: classes that repeat; "
            f'name another column, or give {option("predict", "values")}'
        )
    told = (
        f"target column '{name}' is taken for {len(names)} classes; {option('predict')} says otherwise"
        if said and whole
        else ''
    )
    alike = [one for one in names if sum(other.casefold() == one.casefold() for other in names) > 1]
    if alike:
        told = '; '.join(filter(None, [told, f'classes {alike[:4]} of {name!r} differ in capitals alone']))
    return Targets('class', y.astype(np.int64), names, there, told)
