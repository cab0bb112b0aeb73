"""Telling columns: the input columns of a table that alone tell the answer, and those that only number the rows.

Such a column is often made from the answer, or known only after it. Whether it is can't be known: it is named, and stays.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from sweeps.datasets.formats.columns import Value
from sweeps.datasets.sources.column_numbers import numbers_of
from sweeps.datasets.sources.column_targets import Targets
from sweeps.datasets.telling import codes_of, numbers_rows, telling

NAMED = 6
"""How many columns are named."""


def telling_columns(columns: Mapping[str, Sequence[Value]], targets: Targets, rows: np.ndarray) -> list[str]:
    """A sentence on each input column that alone tells a target, and on each that numbers the rows; none of a lone column.

    `rows` are those of the pool.

    >>> y = np.array([0, 1] * 50)
    >>> asked = Targets('class', y, ['no', 'yes'], np.ones(100, bool))
    >>> columns = {'code': [f'C{one}' for one in y], 'age': [str(n % 7) for n in range(100)]}
    >>> telling_columns(columns, asked, np.arange(100))
    ["column 'code' alone tells the class of 100.0% of the rows (the commonest: 50.0%)"]
    """
    if len(columns) < 2 or targets.y is None:
        return []
    said = [
        f"column '{name}' alone tells {what}"
        for name, values in columns.items()
        for what in telling(_codes(values)[rows], targets.form, targets.y[rows], targets.names, 'rows')
    ]
    more = [f'and {len(said) - NAMED} more columns tell it alone'] if len(said) > NAMED else []
    numbering = [
        name for name, values in columns.items() if (numbers := numbers_of(values)) is not None and numbers_rows(numbers)
    ]
    whole = [f"column '{name}' has another whole number in every row, as a number of the row has" for name in numbering[:NAMED]]
    return [*said[:NAMED], *more, *whole]


def _codes(values: Sequence[Value]) -> np.ndarray:
    """A column as numbers, NaN where one is missing; of categories the place of each, far from the others."""
    numbers = numbers_of(values)
    if numbers is not None:
        return numbers
    return codes_of(['' if value is None else str(value) for value in values])
