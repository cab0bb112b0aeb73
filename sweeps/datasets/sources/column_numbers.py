"""Column numbers: the values of a column as numbers, and what is no category although it is no number either."""

import math
import re
from collections.abc import Sequence

import numpy as np

from ablations.option_words import option
from sweeps.datasets.formats.columns import Value

COMMA = re.compile(r'[+-]?\d+,\d+')
DATE = re.compile(r'\d{4}[-/]\d{1,2}[-/]\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{1,2}:\d{2}(:\d{2})?')
GROUPED = re.compile(r"[+-]?\d{1,3}([ '\u00a0\u2009\u202f]\d{3})+(\.\d+)?")
UNIT = re.compile(r'([$€£¥~<>=≤≥#]{0,2}) ?[+-]?\d+(?:\.\d+)? ?([%‰$€£¥°]|[^\W\d]{0,4})')
SIGNS = frozenset('%‰$€£¥~<>=≤≥°')
MOST_CODES = 20
"""The most different numbers in a column with texts before the user is asked: fewer may be codes."""
STAND_INS = frozenset(sign * (10.0**digits - 1) for digits in (2, 3, 4, 5) for sign in (1, -1)) | {-1.0}
"""Numbers that are often written where there is none."""


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
    if any(GROUPED.fullmatch(one) for one in texts) and all(GROUPED.fullmatch(one) or one.isdecimal() for one in texts):
        raise ValueError(f"{what} column '{name}' has numbers in groups such as {texts[0]!r}; write them without gaps: 1000")
    if all(DATE.match(one) for one in texts):
        raise ValueError(
            f"{what} column '{name}' has dates such as {texts[0]!r}; allowed: numbers and categories; make columns of year, "
            f'month, days or hours of it, or leave it out ({option("inputs")} names the others)'
        )
    different = {*texts}
    units = [UNIT.fullmatch(one) for one in different]
    beside = {one and (one[1], one[2]) for one in units}
    # With few numbers such as Q1 to Q4 it is a name.
    if (
        len(beside) == 1
        and any(signs := next(iter(beside)) or ())
        and (SIGNS & {*signs[0], *signs[1]} or len(different) > MOST_CODES)
    ):
        raise ValueError(
            f"{what} column '{name}' has numbers with a unit or a sign such as {texts[0]!r}; write them as numbers alone: "
            f'{re.sub("[^0-9.+-]", "", texts[0])}'
        )
    others = [(row, value) for row, value in enumerate(values) if value is not None and as_number(value) is None]
    numbers = {str(value) for value in values if value is not None} - {str(value) for _, value in others}
    if len(numbers) > MOST_CODES and len(others) < len(texts) / 2:
        row, value = others[0]
        raise ValueError(
            f"{what} column '{name}' has {len(texts) - len(others):,} numbers and {len(others):,} texts such as "
            f'{str(value)[:40]!r} (row {row + 1}); allowed: numbers, empty where one is missing, or categories; mend these rows'
        )


def odd_numbers(name: str, values: Sequence[Value]) -> str:
    """A sentence on a column that says nothing, or that has a number in the place of missing ones; '' for others.

    >>> odd_numbers('age', ['-999', '31', '40', '-999'] * 5)
    "column 'age' is -999 in 10 of 20 rows and from 31 to 40 in all others: if that says that none is there, leave it empty"
    """
    known = [value for value in values if value is not None]
    if known and len(known) == len(values) and len({*map(str, known)}) == 1:
        return f"column '{name}' is {str(known[0])[:40]!r} in every row: no model learns anything from it"
    numbers = numbers_of(values)
    if numbers is None or np.isnan(numbers).all():
        return ''
    codes, counts = np.unique(numbers[~np.isnan(numbers)], return_counts=True)
    for place in (0, len(codes) - 1) if len(codes) > 2 else ():
        others = np.delete(codes, place)
        gap = min(abs(codes[place] - others[0]), abs(codes[place] - others[-1]))
        # -1 is a class or a step of many columns, and the others are far away where they stand for nothing.
        far = gap > np.ptp(others) if codes[place] != -1 else others[0] > 0 and len(others) > MOST_CODES
        if codes[place] in STAND_INS and counts[place] > 1 and far:
            return (
                f"column '{name}' is {codes[place]:g} in {counts[place]:,} of {len(values):,} rows and from {others[0]:g} to "
                f'{others[-1]:g} in all others: if that says that none is there, leave it empty'
            )
    return ''
