"""Sobol points against scipy's, and what the scramble must keep."""

import numpy as np
import pytest
from scipy.stats import qmc

from sweeps.protocol.search.sobol import BITS, DIMENSIONS, scrambled_sobol, sobol


@pytest.mark.parametrize('dimensions', range(1, DIMENSIONS + 1))
def test_unscrambled_points_are_scipys(dimensions):
    mine = sobol(256, dimensions) / 2.0**BITS
    assert (mine == qmc.Sobol(dimensions, scramble=False, bits=BITS).random(256)).all()


@pytest.mark.parametrize('dimensions', [0, -1, DIMENSIONS + 1])
def test_too_many_tuned_values_are_refused(dimensions):
    with pytest.raises(ValueError, match=f'allowed: 1 to {DIMENSIONS}; tune fewer'):
        sobol(4, dimensions)


@pytest.mark.parametrize('seed', [0, 1, 2**31 - 1])
@pytest.mark.parametrize('count', [4, 16, 64])
def test_every_value_is_spread_evenly(seed, count):
    """Of a power of two of points each lies in a strip of its own, in every dimension: that is what the scramble keeps."""
    points = scrambled_sobol(count, DIMENSIONS, seed)
    for column in points.T:
        assert sorted(np.floor(column * count)) == list(range(count))


@pytest.mark.parametrize('seed', range(4))
def test_pairs_of_values_are_spread_evenly(seed):
    """The first two dimensions are a net: 16 points put one into each of the 4 x 4 boxes, and of the 2 x 8 ones."""
    points = scrambled_sobol(16, 2, seed)
    for across, down in [(4, 4), (2, 8), (8, 2), (16, 1)]:
        boxes = {(int(x * across), int(y * down)) for x, y in points}
        assert len(boxes) == 16


def test_more_points_extend_the_sequence():
    few, many = scrambled_sobol(16, 3, 5), scrambled_sobol(24, 3, 5)
    assert (many[:16] == few).all()


def test_seeds_draw_different_points_and_only_seeds_do():
    first = scrambled_sobol(16, 2, 5)
    assert (first == scrambled_sobol(16, 2, 5)).all()
    assert not (first == scrambled_sobol(16, 2, 6)).any()
    assert ((first > 0) & (first < 1)).all()


def test_scrambled_points_are_uniform_over_seeds():
    """No corner is favoured: over many seeds each point falls anywhere."""
    points = np.array([scrambled_sobol(4, 2, seed) for seed in range(2000)])
    assert points.mean(0) == pytest.approx(np.full((4, 2), 0.5), abs=0.03)
    assert points.std(0) == pytest.approx(np.full((4, 2), 12**-0.5), abs=0.02)


def test_golden_points():
    """Update only if you meant it: tuning points of every recorded study derive from these."""
    golden = [[0.26627, 0.496873], [0.727341, 0.501833], [0.922979, 0.140033]]
    assert scrambled_sobol(3, 2, 7).round(6).tolist() == golden
