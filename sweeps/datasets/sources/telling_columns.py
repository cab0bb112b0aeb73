"""Telling columns: the input columns of a table that alone tell the answer, and those that only number the rows.

Such a column is often made from the answer, or known only after it. Whether it is can't be known: it is named, and stays.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from sweeps.datasets.formats.columns import Value
from sweeps.datasets.sources.column_numbers import numbers_of
from sweeps.datasets.sources.column_targets import Targets

LEFT = 0.05
"""A column tells a class or a label that leaves at most this share of what the commonest answer gets wrong."""
LEFT_OF_VALUES = 0.01
"""The same of the variance of values."""
FEWEST = 40
"""Of fewer rows, or rows of a class, nothing is said."""
NAMED = 6
"""How many columns are named."""


def telling_columns(columns: Mapping[str, Sequence[Value]], targets: Targets, rows: np.ndarray) -> list[str]:
    """A sentence on each input column that alone tells a target, and on each that numbers the rows; none of a lone column.

    `rows` are those of the pool. A column's rule is the answer that the nearest value has in half of them, and it is tried on
    the other half.

    >>> y = np.array([0, 1] * 50)
    >>> asked = Targets('class', y, ['no', 'yes'], np.ones(100, bool))
    >>> columns = {'code': [f'C{one}' for one in y], 'age': [str(n % 7) for n in range(100)]}
    >>> telling_columns(columns, asked, np.arange(100))
    ["column 'code' alone tells the class of 100.0% of the rows (the commonest: 50.0%)"]
    """
    if len(columns) < 2 or targets.y is None:
        return []
    said = [one for name, values in columns.items() for one in _told(name, _codes(values)[rows], targets, rows)]
    more = [f'and {len(said) - NAMED} more columns tell it alone'] if len(said) > NAMED else []
    numbering = [name for name, values in columns.items() if _numbers_rows(values)]
    whole = [f"column '{name}' has another whole number in every row, as a number of the row has" for name in numbering[:NAMED]]
    return [*said[:NAMED], *more, *whole]


def _codes(values: Sequence[Value]) -> np.ndarray:
    """A column as numbers, NaN where one is missing; of categories the place of each, far from the others."""
    numbers = numbers_of(values)
    if numbers is not None:
        return numbers
    texts = ['' if value is None else str(value) for value in values]
    places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    return np.array([places[text] for text in texts], np.float64)


def _numbers_rows(values: Sequence[Value]) -> bool:
    """Whether a column has another whole number in every row, rising along the file or without large gaps."""
    numbers = numbers_of(values)
    if numbers is None or len(numbers) < FEWEST or np.isnan(numbers).any() or (numbers != np.rint(numbers)).any():
        return False
    if len(np.unique(numbers)) < len(numbers):
        return False
    return bool((np.diff(numbers) > 0).all() or np.ptp(numbers) < 2 * len(numbers))


def _told(name: str, codes: np.ndarray, targets: Targets, rows: np.ndarray) -> list[str]:
    y = targets.y[rows]
    if targets.form == 'class':
        chance, share = _share(codes, y)
        told = f'the class of {share:.1%} of the rows (the commonest: {chance:.1%})'
        return [f"column '{name}' alone tells {told}"] * (1 - share <= LEFT * (1 - chance))
    said = []
    for target, own in zip(targets.names, y.T, strict=True):
        known = ~np.isnan(own)
        if targets.form == 'labels':
            chance, share = _share(codes[known], own[known].astype(np.int64))
            if 1 - share <= LEFT * (1 - chance):
                said.append(f"column '{name}' alone tells '{target}' of {share:.1%} of the rows (the commoner: {chance:.1%})")
        elif (share := _explained(codes[known], own[known])) >= 1 - LEFT_OF_VALUES:
            said.append(f"column '{name}' alone tells {share:.1%} of the variance of '{target}'")
    return said


def _halves(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The places of the rows that make a rule, and of those that try it."""
    # Rows are drawn and not taken in turn: many files alternate.
    order = np.random.default_rng(0).permutation(len(codes))
    return order[::2], order[1::2]


def _share(codes: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """How often the commonest class is right, and the class that the nearest value has most often."""
    made, tried = _halves(codes)
    counts = np.bincount(y) if len(y) else np.zeros(1, np.int64)
    if len(y) < 2 * FEWEST or np.sort(counts)[-2:].min() < FEWEST // 4 or len(counts) < 2:
        return 1.0, 0.0
    values, places = np.unique(codes[made], return_inverse=True, equal_nan=True)
    table = np.zeros((len(values), len(counts)), np.int64)
    np.add.at(table, (places.reshape(-1), y[made]), 1)
    right = table.argmax(1)[_nearest(values, codes[tried])] == y[tried]
    return float(counts.max() / len(y)), float(right.mean())


def _explained(codes: np.ndarray, y: np.ndarray) -> float:
    """The share of the variance that the mean of the nearest value explains."""
    if len(y) < FEWEST or np.ptp(y) == 0:
        return 0.0
    made, tried = _halves(codes)
    values, places = np.unique(codes[made], return_inverse=True, equal_nan=True)
    means = np.bincount(places.reshape(-1), y[made].astype(np.float64)) / np.bincount(places.reshape(-1))
    rest = y[tried] - means[_nearest(values, codes[tried])]
    return float(1 - (rest**2).sum() / max(((y[tried] - y[tried].mean()) ** 2).sum(), 1e-300))


def _nearest(values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The place of the nearest of some rising values; NaN, where it is one, stands last and is nearest to itself alone."""
    known = values[~np.isnan(values)]
    places = np.clip(np.searchsorted(known, wanted), 1, max(len(known) - 1, 1))
    below = np.minimum(places - 1, len(known) - 1)
    above = np.minimum(places, len(known) - 1)
    nearer = (
        np.where(wanted - known[below] <= known[above] - wanted, below, above) if len(known) else np.zeros(len(wanted), int)
    )
    return np.where(np.isnan(wanted), len(values) - 1, nearer)
