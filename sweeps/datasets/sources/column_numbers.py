"""Column numbers: the values of a column as numbers, and what is no category although it is no number either."""

import math
import re
from collections.abc import Sequence

import numpy as np

from ablations.option_words import option
from sweeps.datasets.formats.columns import Value

COMMA = re.compile(r'[+-]?\d+,\d+')
DATE = re.compile(r'\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./]\d{1,2}[./]\d{2,4}')
MOST_CODES = 20
"""The most different numbers in a column with texts before the user is asked: fewer may be codes."""


def as_number(value: Value) -> float | None:
    """A value as a number, NaN where it is missing; None where it is none."""
    if value is None:
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def numbers_of(values: Sequence[Value]) -> np.ndarray | None:
    """A column as numbers, NaN where one is missing; None where one is no number."""
    made = []
    for value in values:
        number = as_number(value)
        if number is None:
            return None
        made.append(number)
    return np.array(made, np.float64)


def check_categories(what: str, name: str, values: Sequence[Value]) -> None:
    """Raise ValueError for an input or target column that would be taken for categories, and holds numbers or dates."""
    texts = [str(value) for value in values if value is not None]
    if all(COMMA.fullmatch(one) for one in texts):
        raise ValueError(f"{what} column '{name}' has numbers with a comma such as {texts[0]!r}; write them with a point: 1.5")
    if all(DATE.match(one) for one in texts):
        raise ValueError(
            f"{what} column '{name}' has dates such as {texts[0]!r}; allowed: numbers and categories; make columns of year, "
            f'month or days of it, or leave it out ({option("inputs")} names the others)'
        )
    others = [(row, value) for row, value in enumerate(values) if value is not None and as_number(value) is None]
    numbers = {str(value) for value in values if value is not None} - {str(value) for _, value in others}
    if len(numbers) > MOST_CODES and len(others) < len(texts) / 2:
        row, value = others[0]
        raise ValueError(
            f"{what} column '{name}' has {len(texts) - len(others):,} numbers and {len(others):,} texts such as "
            f'{str(value)[:40]!r} (row {row + 1}); allowed: numbers, empty where one is missing, or categories; mend these rows'
        )
