"""Sequential: levels of looks against simulated random walks and published boundaries, and p-values at any stopping time."""

import math

import numpy as np
import pytest
from scipy.special import ndtri

from results.sequential import levels, sequential, shares_of


@pytest.mark.parametrize('looks', [(3, 5), (3, 5, 8), tuple(range(3, 13)), (2, 20)])
@pytest.mark.parametrize('total', [0.05, 0.0125])
def test_all_looks_together_have_the_error_rate(looks, total):
    generator, studies = np.random.default_rng(0), 200_000
    walk, claimed, before = np.zeros(studies), np.zeros(studies, bool), 0
    for look, level in zip(looks, levels(looks, shares_of(looks), total), strict=True):
        walk += generator.normal(0, math.sqrt(look - before), studies)
        claimed |= np.abs(walk) / math.sqrt(look) > -ndtri(level / 2)
        before = look
    assert claimed.mean() == pytest.approx(total, abs=4 * math.sqrt(total / studies))


def test_equal_shares_of_five_looks_are_those_of_a_textbook():
    """Two-sided 5 %, five equal looks that spend one after the other in equal parts (Lan and DeMets 1983: 2.576, 2.49, ...)."""
    bounds = [-ndtri(level / 2) for level in levels((1, 2, 3, 4, 5), (0.2,) * 5, 0.05)]
    assert bounds == pytest.approx([2.576, 2.491, 2.411, 2.340, 2.276], abs=0.003)


def test_one_look_takes_all():
    assert shares_of((5,)) == (1.0,)
    assert levels((5,), (1.0,), 0.05) == pytest.approx((0.05,))
    assert sequential(0.031, 0, (5,), (1.0,)) == 0.031


@pytest.mark.parametrize('looks', [(3, 5), (3, 5, 8)])
@pytest.mark.parametrize('total', [0.05, 0.01, 1e-4])
def test_a_p_value_at_the_level_of_its_look_is_worth_the_error_rate(looks, total):
    shares = shares_of(looks)
    for place, level in enumerate(levels(looks, shares, total)):
        assert sequential(level, place, looks, shares) == pytest.approx(total, rel=0.01)
        assert sequential(level / 2, place, looks, shares) < total < sequential(min(1.0, level * 2), place, looks, shares)


def test_its_ends():
    shares = shares_of((3, 5))
    assert sequential(1.0, 0, (3, 5), shares) == 1.0
    assert sequential(0.0, 1, (3, 5), shares) == 0.0
    assert 0 < sequential(1e-30, 0, (3, 5), shares) <= 1e-11


def test_shares_rise_with_the_square_of_the_replicates():
    assert sum(shares_of((3, 5, 8))) == pytest.approx(1)
    assert shares_of((3, 5, 8))[0] == pytest.approx(9 / 64)
