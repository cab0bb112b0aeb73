"""Family: adjusted p-values by hand, and how often a study of any mixture of truths says a false word."""

import math

import numpy as np
import pytest
from scipy.special import stdtr

from results.divergence import RateTest
from results.family import PValues, adjusted, claimable


def _rows(ps: list, within: list | None = None, beyond: bool = True) -> dict:
    within = within or [1.0] * len(ps)
    return {(str(i), 'digits'): PValues(p, w, beyond) for i, (p, w) in enumerate(zip(ps, within, strict=True))}


def test_where_effects_lie_beyond_their_margins_it_is_holm():
    assert [one.p for one in adjusted(_rows([0.01, 0.04, 0.03]), 3, 0.05).values()] == pytest.approx([0.03, 0.06, 0.06])


def test_what_may_still_be_called_negligible_keeps_its_place():
    assert [one.p for one in adjusted(_rows([0.01, 0.04], beyond=False), 2, 0.05).values()] == pytest.approx([0.02, 0.08])
    both = adjusted(_rows([0.01, 0.04], [0.001, 1.0], beyond=False), 2, 0.05).values()
    assert [one.p for one in both] == pytest.approx([0.02, 0.04]), 'all is said of the first'
    assert [one.p_within for one in both] == pytest.approx([0.002, 1.0])


def test_comparisons_without_a_test_stay_in_the_family():
    rows = {**_rows([0.01]), ('none', 'digits'): PValues()}
    made = adjusted(rows, 4, 0.05)
    assert made['0', 'digits'].p == pytest.approx(0.04)
    assert (made['none', 'digits'].p, made['none', 'digits'].p_within) == (None, None)


def test_rates_share_the_family_where_they_could_be_claimed():
    rows = {
        ('a', 'digits'): PValues(0.01, 1.0, True, RateTest(0.001, 0.001)),
        ('b', 'digits'): PValues(0.02, 1.0, True, RateTest(0.5, 0.2)),
    }
    made = adjusted(rows, 2, 0.05)
    assert made['a', 'digits'].p_rates == pytest.approx(3 * 0.001), 'two differences and one rate that could be claimed'
    assert made['a', 'digits'].p == pytest.approx(2 * 0.01)
    assert made['b', 'digits'].p == pytest.approx(0.02)
    assert made['b', 'digits'].p_rates == 1.0, 'it was never tested'


def test_rates_that_could_never_be_claimed_cost_nothing():
    assert claimable([RateTest(1.0, 1.0)] * 5, 4, 0.05) == 0
    assert claimable([RateTest(1.0, 0.02)] * 2, 4, 0.05) == 0, 'beside four others 0.02 is not small enough'
    assert claimable([RateTest(1.0, 0.0001)] * 3, 4, 0.05) == 3


@pytest.mark.parametrize('arms', [3, 5])
@pytest.mark.parametrize('at_the_margin', [1, 2])
@pytest.mark.parametrize('margin', [2.5, 4.0])
def test_any_false_word_is_rare(arms, at_the_margin, margin):
    """Some arms equal the base, the others differ by just the margin: neither may be denied, in 5 % of studies about."""
    generator, studies, false = np.random.default_rng(4), 1500, 0
    truth = np.array([margin if place < at_the_margin else 0.0 for place in range(arms - 1)])
    for _ in range(studies):
        values = generator.normal(0, 1, (arms, 8))
        values[1:] += truth[:, None]
        error = math.sqrt(2 * values.var(1, ddof=1).mean() / 8)
        effects, freedom = values[1:].mean(1) - values[0].mean(), arms * 7
        ps = 2 * stdtr(freedom, -np.abs(effects) / error)
        within = np.maximum(stdtr(freedom, -(effects + margin) / error), stdtr(freedom, (effects - margin) / error))
        rows = {
            (str(i), ''): PValues(p, w, abs(e) >= margin) for i, (p, w, e) in enumerate(zip(ps, within, effects, strict=True))
        }
        words = adjusted(rows, arms - 1, 0.05).values()
        false += any((w.p <= 0.05 if t == 0 else w.p_within <= 0.05) for w, t in zip(words, truth, strict=True))
    assert false / studies <= 0.06 + 3 * math.sqrt(0.06 * 0.94 / studies)


def test_what_is_said_of_no_comparison_at_all():
    assert adjusted({}, 3, 0.05) == {} and claimable([], 3, 0.05) == 0
    (one,) = adjusted({('a', 't'): PValues(0.9, 0.5, True)}, 4, 0.05).values()
    assert (one.p, one.p_within, one.p_rates) == (1.0, 1.0, 1.0), 'no p-value is above 1'


@pytest.mark.parametrize(
    ('least', 'family', 'count'),
    [
        ([0.0125], 4, 1),
        ([0.0126], 4, 0),
        ([0.01, 0.01], 4, 2),
        ([0.012, 0.011], 4, 1),
        ([1.0, 0.001, 1.0], 4, 1),
        ([0.001] * 5, 4, 5),
    ],
)
def test_rates_that_could_be_claimed_are_counted_beside_the_others(least, family, count):
    assert claimable([RateTest(1.0, one) for one in least], family, 0.05) == count


def test_tied_p_values_are_adjusted_alike():
    made = adjusted(_rows([0.02, 0.02, 0.02]), 3, 0.05)
    assert {one.p for one in made.values()} == {0.06}
