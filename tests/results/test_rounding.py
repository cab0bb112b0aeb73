"""Results as plain data."""

import dataclasses

import numpy as np
import pytest

from results.rounding import plain


@dataclasses.dataclass(frozen=True)
class Inner:
    value: float
    names: tuple


@pytest.mark.parametrize(
    ('value', 'wanted'),
    [
        (1 / 3, 0.333333),
        (123456789.0, 123457000.0),
        (123456789, 123456789),
        (float('nan'), None),
        (float('inf'), None),
        (np.float32(0.1), 0.1),
        (np.int64(3), 3),
        (np.array([[1.0, 2.0000001]]), [[1.0, 2.0]]),
        (True, True),
        (None, None),
        ('text', 'text'),
        ({'a': (1 / 3,)}, {'a': [0.333333]}),
        (Inner(2 / 3, ('a', Inner(0.0, ()))), {'value': 0.666667, 'names': ['a', {'value': 0.0, 'names': []}]}),
    ],
)
def test_six_significant_digits_of_plain_data(value, wanted):
    result = plain(value)
    assert result == wanted
    assert type(result) is type(wanted)
