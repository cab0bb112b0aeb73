"""Divergence: exact intervals and tests of rates against scipy, and runs that diverge together."""

import numpy as np
import pytest
from scipy import stats

from results.divergence import Divergences, compare, design_effect, fisher


@pytest.mark.parametrize(('diverged', 'runs'), [(0, 20), (1, 20), (7, 20), (20, 20), (1, 2)])
def test_the_interval_is_exact(diverged, runs):
    theirs = stats.binomtest(diverged, runs).proportion_ci(0.95, 'exact')
    assert Divergences((diverged,), (runs,)).interval() == pytest.approx((theirs.low, theirs.high))
    assert Divergences((), ()).interval() is None


@pytest.mark.parametrize('counts', [(5, 0), (9, 2), (20, 0), (3, 3), (0, 1), (20, 19)])
def test_the_test_is_fishers(counts):
    sizes = (20, 20)
    theirs = stats.fisher_exact([[counts[0], sizes[0] - counts[0]], [counts[1], sizes[1] - counts[1]]])[1]
    made = fisher(counts, sizes)
    assert made.p == pytest.approx(theirs)
    total = sum(counts)
    extremes = [
        fisher((min(total, 20), total - min(total, 20)), sizes).p,
        fisher((total - min(total, 20), min(total, 20)), sizes).p,
    ]
    assert made.least == pytest.approx(min(extremes))


@pytest.mark.parametrize('sizes', [(20, 7), (7, 20), (5, 6), (2, 9), (1, 3)])
def test_of_unequal_sizes_the_tables_that_are_no_more_likely_count(sizes):
    tables = [(first, second) for first in range(0, sizes[0] + 1) for second in range(0, sizes[1] + 1, 2)]
    for counts in tables:
        theirs = stats.fisher_exact([[counts[0], sizes[0] - counts[0]], [counts[1], sizes[1] - counts[1]]])[1]
        assert fisher(counts, sizes).p == pytest.approx(theirs), counts


def test_runs_that_diverge_together_count_as_one():
    together = Divergences((4, 0, 4, 0, 4), (4,) * 5), Divergences((0,) * 5, (4,) * 5)
    apart = Divergences((2, 3, 2, 2, 3), (4,) * 5), Divergences((0,) * 5, (4,) * 5)
    assert design_effect(together) == 4.0
    assert design_effect(apart) == 1.0
    assert compare(*together).p > 0.1 > compare(*apart).p
    assert compare(Divergences((4,) * 5, (4,) * 5), together[1]).p == pytest.approx(1 / 126), 'five replicates against five'


def test_where_nothing_diverged_there_is_nothing_to_claim():
    none = Divergences((0,) * 5, (4,) * 5)
    assert (compare(none, none).p, compare(none, none).least) == (1.0, 1.0)
    assert compare(Divergences((), ()), none).p == 1.0
    assert none.first(2).runs == 8


@pytest.mark.parametrize('rate', [0.1, 0.4])
@pytest.mark.parametrize('together', [False, True])
def test_equal_rates_are_seldom_told_apart(rate, together):
    generator, called = np.random.default_rng(1), 0
    for _ in range(500):
        sides = []
        for _ in range(2):
            counts = 4 * generator.binomial(1, rate, 5) if together else generator.binomial(4, rate, 5)
            sides.append(Divergences(tuple(counts.tolist()), (4,) * 5))
        called += compare(*sides).p <= 0.05
    assert called / 500 <= 0.05 + 3 * (0.05 * 0.95 / 500) ** 0.5


@pytest.mark.parametrize(
    ('sides', 'effect'),
    [
        # One replicate of each side, or all of one side and none of the other: nothing tells how runs diverge together.
        ([((2,), (4,)), ((1,), (3,))], 4.0),
        ([((4, 4), (4, 4)), ((0, 0), (5, 5))], 5.0),
        # A replicate without runs says nothing.
        ([((4, 0, 4, 0, 0), (4, 4, 4, 4, 0))], 4.0),
        # More even than chance is not below 1.
        ([((2, 2, 2), (4, 4, 4))], 1.0),
        # Runs that are one to a replicate diverge alone.
        ([((1, 0, 1, 0), (1, 1, 1, 1))], 1.0),
        # By hand: between 2 x 4 x (1/4)^2 by one degree of freedom, within 8 x 3/4 x 1/4 by 8 runs.
        ([((4, 2), (4, 4))], 0.5 / (1.5 / 8)),
    ],
)
def test_the_design_effect_by_hand(sides, effect):
    assert design_effect([Divergences(*side) for side in sides]) == pytest.approx(effect)


def test_rates_of_sides_of_different_size():
    arm, base = Divergences((3, 3, 3), (4, 4, 4)), Divergences((0, 1, 0, 0, 0), (4,) * 5)
    theirs = stats.fisher_exact([[9, 3], [1, 19]])[1]
    assert compare(arm, base).p == pytest.approx(theirs) == compare(base, arm).p
    assert compare(Divergences((), ()), arm).p == 1.0 == compare(arm, Divergences((), ())).least
    assert (arm.first(2).by_replicate, arm.first(2).runs_by_replicate) == ((3, 3), (4, 4))
    assert compare(Divergences((0,), (4,)), base).least < 1, 'one side alone may diverge'
