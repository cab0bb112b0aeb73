"""Drawing replicates anew: against Student's distribution."""

import numpy as np
import pytest
from scipy import stats

from results.resampling import centred, drawn_means


def test_drawn_means_have_the_error_of_the_mean():
    sample = np.array([1.0, 2.0, 4.0, 8.0, 9.0, 3.0])
    drawn = drawn_means([sample, np.array([2.0, 2.0])], draws=40000)
    low, high = np.quantile(drawn[:, 0], [0.025, 0.975])
    assert (low, high) == pytest.approx(stats.t.interval(0.95, 5, sample.mean(), stats.sem(sample)), rel=0.03)
    assert (drawn[:, 1] == 2.0).all()
    assert (drawn == drawn_means([sample, np.array([2.0, 2.0])], draws=40000)).all()
    with pytest.raises(ValueError, match='allowed: two or more; add replicates'):
        drawn_means([sample, np.array([1.0])])


def test_centring_keeps_means_and_the_spread_of_what_is_not_common():
    generator = np.random.default_rng(0)
    values = generator.normal(size=(4, 20000)) + 9 * generator.normal(size=20000)
    result = centred(values)
    assert result.mean(1) == pytest.approx(values.mean(1))
    assert result.std(1) == pytest.approx(np.ones(4), rel=0.03)
    with pytest.raises(ValueError, match='allowed: two or more'):
        centred(values[:1])
