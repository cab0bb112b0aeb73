"""Learning-rate sensitivity by hand."""

import numpy as np
import pytest

from results.sensitivity import lr_sensitivity


@pytest.mark.parametrize(
    ('losses', 'initial', 'wanted'),
    [
        ([1.0, 1.0, 1.0], 2.0, 0.0),
        ([1.0, 2.0, 3.0], 4.0, 1.0),
        # A loss above that of initialisation, and a diverged run, count as if nothing had been learned.
        ([1.0, 9.0], 3.0, 1.0),
        ([1.0, np.inf], 3.0, 1.0),
        ([1.0, np.nan], 3.0, 1.0),
        ([np.inf, np.nan], 3.0, 0.0),
        ([0.5], 3.0, 0.0),
        ([], 3.0, None),
    ],
    ids=str,
)
def test_mean_loss_over_the_range_less_the_best(losses, initial, wanted):
    found = lr_sensitivity(np.array(losses, float), np.full(len(losses), initial))
    assert found == (None if wanted is None else pytest.approx(wanted))


def test_runs_are_capped_by_their_own_initialisation():
    assert lr_sensitivity(np.array([1.0, np.inf, np.inf]), np.array([2.0, 3.0, 5.0])) == pytest.approx((1 + 3 + 5) / 3 - 1)
