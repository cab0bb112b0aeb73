"""Compiling: seconds that jax reports, each counted once."""

import pytest

from sweeps.training.compiling import Compiling


@pytest.mark.parametrize(
    ('spans', 'seconds'),
    [
        ([], 0),
        ([(10, 2)], 2),
        ([(10, 2), (13, 1)], 3),
        # The second holds the first, and the third both.
        ([(10, 2), (12, 5)], 5),
        ([(10, 2), (12, 1), (20, 15)], 15),
        ([(10, 2), (12, 4)], 4),
        ([(10, 2), (12, 2)], 4),
    ],
)
def test_what_is_traced_inside_another_trace_counts_once(spans: list, seconds: float):
    compiling = Compiling()
    for span in spans:
        compiling.add(*span)
    assert compiling.seconds == seconds
    compiling.reset()
    assert compiling.seconds == 0
