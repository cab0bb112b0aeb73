"""Sequential: levels of looks against simulated random walks and published boundaries, and p-values at any stopping time."""

import math

import numpy as np
import pytest
from scipy.special import ndtri, stdtr

from results.sequential import levels, sequential, shares_of
from results.student_looks import SCORES, _one_more, student_levels


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


@pytest.mark.parametrize('looks', [(2, 5, 6, 9), tuple(range(3, 11))])
@pytest.mark.parametrize('total', [0.05, 0.0125])
def test_all_looks_by_t_statistics_have_the_error_rate_and_each_its_share(looks, total):
    """Of t tests of one growing sample; by normal levels up to a fifth more studies claim."""
    generator, studies = np.random.default_rng(1), 100_000
    numbers, going, spent = generator.normal(size=(studies, looks[-1])), np.ones(studies, bool), np.zeros(studies, bool)
    of_student, of_normal = (rule(looks, shares_of(looks), total) for rule in (student_levels, levels))
    for look, share, level, other in zip(looks, shares_of(looks), of_student, of_normal, strict=True):
        sample = numbers[:, :look]
        t = sample.mean(1) * math.sqrt(look) / sample.std(1, ddof=1)
        p = 2 * stdtr(look - 1, -np.abs(t))
        spent |= p <= other
        here = going & (p <= level)
        going &= ~here
        assert here.mean() == pytest.approx(share * total, abs=4 * math.sqrt(share * total / studies))
    assert (~going).mean() == pytest.approx(total, abs=4 * math.sqrt(total / studies))
    assert spent.mean() > 1.03 * total


def test_one_look_by_t_is_a_t_test_and_one_at_a_single_replicate_claims_nothing():
    assert student_levels((5,), (1.0,), 0.05) == pytest.approx((0.05,), rel=1e-3)
    assert student_levels((1, 4), (0.0, 1.0), 0.05) == pytest.approx((0.0, 0.05), rel=1e-3)
    assert student_levels((3, 4), (0.0, 1.0), 0.05) == pytest.approx((0.0, 0.05), rel=1e-2)


def test_equal_shares_of_five_looks_are_those_of_a_textbook():
    """Two-sided 5 %, five equal looks that spend one after the other in equal parts (Lan and DeMets 1983: 2.576, 2.49, ...)."""
    bounds = [-ndtri(level / 2) for level in levels((1, 2, 3, 4, 5), (0.2,) * 5, 0.05)]
    assert bounds == pytest.approx([2.576, 2.491, 2.411, 2.340, 2.276], abs=0.003)


def test_one_look_takes_all():
    assert shares_of((5,)) == (1.0,)
    assert levels((5,), (1.0,), 0.05) == pytest.approx((0.05,))
    assert sequential(0.031, 0, (5,), (1.0,)) == 0.031


@pytest.mark.parametrize('looks', [(3, 5), (3, 5, 8), (3, 4, 5, 6)])
@pytest.mark.parametrize('total', [0.05, 0.01, 1e-4])
@pytest.mark.parametrize('rule', [levels, student_levels])
def test_a_p_value_at_the_level_of_its_look_is_worth_the_error_rate(looks, total, rule):
    shares, student = shares_of(looks), rule is student_levels
    for place, level in enumerate(rule(looks, shares, total)):
        assert sequential(level, place, looks, shares, student) == pytest.approx(total, rel=0.01)
        less, more = (sequential(min(1.0, level * times), place, looks, shares, student) for times in (0.5, 2))
        assert less < total < more


def test_its_ends():
    shares = shares_of((3, 5))
    assert sequential(1.0, 0, (3, 5), shares) == 1.0
    assert sequential(0.0, 1, (3, 5), shares) == 0.0
    assert 0 < sequential(1e-30, 0, (3, 5), shares) <= 1e-11


def test_shares_rise_with_the_square_of_the_replicates():
    assert sum(shares_of((3, 5, 8))) == pytest.approx(1)
    assert shares_of((3, 5, 8))[0] == pytest.approx(9 / 64)


@pytest.mark.parametrize('total', [1e-6, 0.05, 0.5, 0.6, 0.8, 0.95])
def test_what_a_look_just_claims_is_worth_the_whole_rate(total):
    looks, shares = (3, 5, 8), (0.2, 0.3, 0.5)
    for place, level in enumerate(levels(looks, shares, total)):
        assert sequential(level, place, looks, shares) == pytest.approx(total, rel=0.03)
    assert sequential(0.0, 1, looks, shares) == 0.0 and sequential(1.0, 0, looks, shares) == 1.0


@pytest.mark.parametrize('count', [2, 9, 50])
def test_one_more_replicate_spreads_all_mass_alike_to_both_sides(count):
    spread = _one_more(count)
    assert spread.sum(0) == pytest.approx(np.ones(len(SCORES))) and (spread >= 0).all()
    assert spread == pytest.approx(spread[::-1, ::-1], abs=1e-3)
    assert (spread[-1, -1] > 0.3) == (count == 50), 'of many a score at the end of the grid mostly stays there'


@pytest.mark.parametrize('looks', [(1, 100), (2, 50), (3, 5)])
def test_a_look_that_spends_nothing_leaves_the_whole_rate_to_the_next(looks):
    assert levels(looks, (0.0, 1.0), 0.05) == pytest.approx((0.0, 0.05), rel=1e-4, abs=1e-12)
