"""Statistics against scipy's own tests and a textbook's numbers."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

from results.noise import Noise
from results.statistics import (
    Difference,
    ItemError,
    detectable,
    holm,
    is_resolved,
    mean_interval,
    replicated,
    replicates_to_decide,
    welch,
    within,
)

SAMPLES = [
    (size, other, spread, shift, seed)
    for seed, (size, other, spread, shift) in enumerate(
        [(2, 2, 1.0, 0.0), (3, 3, 1.0, 1.0), (5, 5, 1.0, 0.5), (5, 5, 10.0, 3.0), (5, 10, 0.1, -2.0), (20, 4, 3.0, 0.1)]
    )
]


def drawn(size: int, other: int, spread: float, shift: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.normal(shift, spread, size), generator.normal(0, 1, other)


@pytest.mark.parametrize('sample', SAMPLES, ids=str)
def test_welch_is_scipys(sample):
    arm, base = drawn(*sample)
    mine, theirs = welch(arm, base), stats.ttest_ind(arm, base, equal_var=False)
    assert mine.effect == pytest.approx(arm.mean() - base.mean())
    assert mine.p() == pytest.approx(theirs.pvalue, rel=1e-9)
    assert mine.freedom == pytest.approx(theirs.df, rel=1e-9)
    for level in (0.9, 0.95, 0.99):
        interval = theirs.confidence_interval(level)
        assert mine.interval(level) == pytest.approx((interval.low, interval.high), rel=1e-9)


@pytest.mark.parametrize('shift', [-0.7, 0.0, 0.3])
def test_a_shifted_null_is_a_shifted_sample(shift):
    arm, base = drawn(*SAMPLES[2])
    assert welch(arm, base).p(shift) == pytest.approx(stats.ttest_ind(arm - shift, base, equal_var=False).pvalue, rel=1e-9)


@pytest.mark.parametrize('sample', SAMPLES, ids=str)
@pytest.mark.parametrize('margin', [0.01, 0.5, 3.0])
def test_equivalence_is_two_one_sided_tests(sample, margin):
    arm, base = drawn(*sample)
    above = stats.ttest_ind(arm + margin, base, equal_var=False, alternative='greater').pvalue
    below = stats.ttest_ind(arm - margin, base, equal_var=False, alternative='less').pvalue
    assert welch(arm, base).p_within(margin) == pytest.approx(max(above, below), rel=1e-9)


def test_swapping_sides_turns_the_sign_only():
    arm, base = drawn(*SAMPLES[4])
    one, two = welch(arm, base), welch(base, arm)
    assert two.effect == -one.effect
    assert two.p() == pytest.approx(one.p())
    assert two.p_within(1.0) == pytest.approx(one.p_within(1.0))
    assert two.interval(0.95) == pytest.approx(tuple(-end for end in reversed(one.interval(0.95))))


@pytest.mark.parametrize(
    ('arm', 'base', 'effect'),
    [
        ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5], 0.0),
        ([0.7, 0.7, 0.7], [0.5, 0.5, 0.5], 0.2),
        ([0.0, 0.0], [0.0, 0.0], 0.0),
        # Equal numbers whose mean is not exactly one of them: what is left is rounding, not variance.
        ([0.1] * 7, [0.3] * 7, -0.2),
        ([1e9 + 0.1] * 3, [1e9 + 0.1] * 3, 0.0),
    ],
    ids=str,
)
def test_zero_variance_is_said_and_never_nan(arm, base, effect):
    result = welch(np.array(arm), np.array(base))
    assert (result.error, result.freedom) == (0.0, 0.0)
    assert result.effect == pytest.approx(effect)
    assert (result.p(), result.p(0.1), result.interval(0.95), result.p_within(0.01)) == (None, None, None, None)


@pytest.mark.parametrize(('arm', 'base'), [([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]), ([1.0, 2.0, 3.0], [0.0, 0.0, 0.0])])
def test_one_side_without_variance_is_an_ordinary_test(arm, base):
    arm, base = np.array(arm), np.array(base)
    # scipy warns of a constant sample, so it is given the moments.
    moments = [moment for side in (arm, base) for moment in (side.mean(), side.std(ddof=1), len(side))]
    theirs = stats.ttest_ind_from_stats(*moments, equal_var=False)
    assert welch(arm, base).p() == pytest.approx(theirs.pvalue)
    assert all(math.isfinite(end) for end in welch(arm, base).interval(0.95))


def test_small_variance_is_variance():
    """Losses agree to many digits and still differ: only rounding is taken for nothing."""
    base = np.array([2.0, 2.0 + 1e-7, 2.0 - 1e-7])
    result = welch(base + 1e-6, base)
    assert result.error > 0
    assert result.p() == pytest.approx(stats.ttest_ind(base + 1e-6, base, equal_var=False).pvalue, rel=1e-6)


@pytest.mark.parametrize(('arm', 'base'), [([1.0], [1.0, 2.0]), ([1.0, 2.0], [1.0]), ([1.0], [1.0]), ([], [])])
def test_fewer_than_two_replicates_measure_no_noise(arm, base):
    assert welch(np.array(arm), np.array(base)) is None
    assert mean_interval(np.array(arm), 0.95) is None or len(arm) > 1


@pytest.mark.parametrize('level', [0.9, 0.95])
def test_the_interval_of_a_mean_is_students(level):
    values, _ = drawn(*SAMPLES[2])
    theirs = stats.t.interval(level, len(values) - 1, values.mean(), stats.sem(values))
    assert mean_interval(values, level) == pytest.approx(theirs, rel=1e-9)
    assert mean_interval(np.array([0.5, 0.5, 0.5]), level) == (0.5, 0.5)


@pytest.mark.parametrize(
    ('given', 'adjusted'),
    [
        # By hand: 0.005 x 4, 0.01 x 3, 0.03 x 2, then 0.04 x 1 raised to the one before.
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.01, 0.02, 0.03], [0.03, 0.04, 0.04]),
        ([0.5, 0.6], [1.0, 1.0]),
        ([0.02], [0.02]),
        ([0.02, 0.02], [0.04, 0.04]),
        ([0.01, 1.0, 1.0, 1.0], [0.04, 1.0, 1.0, 1.0]),
        ([], []),
    ],
    ids=str,
)
def test_holm(given, adjusted):
    assert holm(given) == pytest.approx(adjusted)


def test_holm_does_not_depend_on_the_order():
    generator = np.random.default_rng(0)
    given = generator.random(12) ** 3
    order = generator.permutation(12)
    assert np.array(holm(list(given)))[order] == pytest.approx(holm(list(given[order])))
    assert all(after >= before for before, after in zip(given, holm(list(given)), strict=True))


@pytest.mark.parametrize(
    ('name', 'values', 'grows'),
    [
        ('spread', [0.5, 1.0, 2.0, 4.0], True),
        ('effect', [1.0, 1.5, 2.0, 4.0, 8.0], False),
        ('effect', [-1.0, -1.5, -2.0, -4.0, -8.0], False),
        ('margin', [0.5, 1.0, 2.0, 4.0], False),
        ('alpha', [0.001, 0.01, 0.05, 0.2], False),
        ('borrowed', [0.0, 2.0, 4.0, 40.0], False),
    ],
)
@pytest.mark.parametrize('effect', [0.0, 1.2])
def test_replicates_to_decide_follow_noise_effect_margin_level_and_what_is_borrowed(name, values, grows, effect):
    fields = {'spread': 1.4, 'effect': effect, 'margin': 0.5, 'alpha': 0.05, 'borrowed': 0.0}
    result = [_needed(**{**fields, name: value}) for value in values]
    needs = [math.inf if need is None else need for need in result]
    assert needs == sorted(needs, reverse=not grows)
    assert needs[0] != needs[-1] or name == 'margin' or (name, effect) == ('borrowed', 0.0)
    assert all(need is None or 2 <= need <= 1000 for need in result)


def _needed(spread: float, effect: float, margin: float, alpha: float, borrowed: float = 0.0) -> int | None:
    """From a measurement with four replicates, whose differences have this standard deviation."""
    return replicates_to_decide(Difference(effect, spread / 2, 3 + borrowed), 4, margin, alpha)


@pytest.mark.parametrize(
    ('effect', 'margin'), [(1.0, 0.01), (0.0, 1.0), (0.3, 1.0)], ids=['differs', 'is equivalent', 'beside 0']
)
def test_replicates_to_decide_do_decide(effect, margin):
    """Simulated: with that many replicates about four in five studies find the effect, or equivalence; with half, fewer."""
    generator = np.random.default_rng(0)
    need = _needed(1.4, effect, margin, 0.05)

    def power(count: int) -> float:
        hits = 0
        for _ in range(600):
            sample = generator.normal(effect, 1.4, count)
            test = Difference(sample.mean(), sample.std(ddof=1) / math.sqrt(count), count - 1)
            hits += test.p() <= 0.05 if margin < effect else test.p_within(margin) <= 0.05
        return hits / 600

    assert 0.76 <= power(need) <= 0.88
    assert power(need // 2) < 0.65


def test_what_cannot_be_decided_is_none():
    assert _needed(1.0, 0.0, 1e-6, 0.05) is None
    assert _needed(1.0, 0.5, 0.5, 0.05) is not None
    assert _needed(0.0, 0.5, 0.1, 0.05) == 2


def test_a_difference_is_plain_numbers():
    result = welch(*drawn(*SAMPLES[1]))
    assert all(
        type(value) is float for value in (result.effect, result.error, result.freedom, result.p(), *result.interval(0.95))
    )
    assert isinstance(result, Difference)


@pytest.mark.parametrize(('freedom', 'alpha'), [(4.0, 0.05), (8.0, 0.0125), (2.5, 0.05), (60.0, 0.01)])
def test_what_is_detectable_is_detected_in_four_of_five_studies(freedom, alpha):
    """Simulated: an effect of that size over its error, a chi-squared estimate of which is used in its place."""
    generator = np.random.default_rng(0)
    result = detectable(Difference(0.7, 0.3, freedom), alpha)
    scores = (result / 0.3 + generator.normal(size=40000)) / np.sqrt(generator.chisquare(freedom, 40000) / freedom)
    assert np.mean(scores > stats.t.isf(alpha / 2, freedom)) == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize('freedom', [1.0, 1.5, 4.0, 1000.0, 1e7])
@pytest.mark.parametrize('alpha', [0.05, 0.05 / 200])
def test_what_is_detectable_is_a_number_however_few_replicates(freedom, alpha):
    assert math.isfinite(detectable(Difference(0.0, 1.0, freedom), alpha))
    assert detectable(Difference(0.0, 2.0, freedom), alpha) == pytest.approx(
        2 * detectable(Difference(9.0, 1.0, freedom), alpha)
    )


def test_what_would_need_ten_thousand_errors_is_not_searched_for():
    """Scipy would search for minutes."""
    assert detectable(Difference(0.0, 1.0, 1.0), 1e-6) is None


def test_noise_far_below_the_margin_needs_two_replicates():
    """scipy's noncentral t has no number for some shifts of 50 standard errors, which read as "never"."""
    for freedom in (8.0, 999.0):
        for error in (0.0005, 0.0004, 0.0002, 0.0001):
            measured = Difference(effect=0.0, error=error, freedom=freedom)
            assert replicates_to_decide(measured, replicates=5, margin=0.02, alpha=0.0125) <= 3


def test_more_replicates_take_away_all_but_what_items_of_the_test_split_make():
    five = Difference(effect=0.02, error=0.008, freedom=7.0)
    assert replicated(five, 5, 20) == Difference(0.02, 0.004, 22.0) and replicated(five, 5, 5, borrows=4) == five
    with_items = five.with_items(ItemError(error=0.005, items=360))
    assert replicated(with_items, 5, 10**6).error == pytest.approx(0.005, rel=1e-3)
    # Three borrow for two degrees of freedom of their own, five for four.
    three = Difference(effect=0.02, error=0.008, freedom=2.0 + 1.5)
    assert replicated(three, 3, 5, borrows=4).freedom == 4 + 3 and replicated(five, 5, 3, borrows=4).freedom == 2 + 1.5
    assert replicated(Difference(0.1, 0.0, 0.0), 5, 9).error == 0


def test_items_without_a_test_change_no_difference():
    measured, still = Difference(0.02, 0.003, 4.0), Difference(0.02, 0.0, 0.0)
    assert measured.with_items(None) is measured
    none = ItemError(error=0.0, items=360)
    for one, items in ((measured, none), (still, ItemError(error=0.004, items=360)), (still, none)):
        made = one.with_items(items)
        assert (made.error, made.freedom, made.items, made.alone) == (one.error, one.freedom, items, None)
    assert (still.p(), still.p_above(-0.01), still.p_within(0.01), still.interval(0.95)) == (None,) * 4
    assert detectable(still, 0.05) is None


def test_the_freedom_of_an_item_error_is_satterthwaites():
    """A known error has that of its items; what replicates left over takes some away, more with fewer of them."""
    assert ItemError(error=0.004, items=361).freedom == pytest.approx(360)
    assert ItemError(error=0.0, items=361).freedom == 0.0
    # Mean squares of 1 + 4, and of 4 by the four degrees of freedom that five replicates have.
    five = ItemError(error=1.0, items=361, residual=2.0, replicates=5)
    assert five.freedom == pytest.approx(360 / (25 + 16 / 4))
    assert five.replicated(20) == ItemError(error=1.0, items=361, residual=1.0, replicates=20)
    assert ItemError(error=1.0, items=361, residual=2.0).freedom == pytest.approx(360 / (25 + 16))


@pytest.mark.parametrize(('least', 'effect'), [(-0.5, 0.3), (0.0, 0.3), (0.8, 0.3), (-0.2, -0.3)])
def test_an_effect_above_a_least_one_is_a_one_sided_test(least, effect):
    sample = np.random.default_rng(1).normal(effect, 1.0, 6)
    one = Difference(sample.mean(), sample.std(ddof=1) / math.sqrt(6), 5.0)
    assert one.p_above(least) == pytest.approx(stats.ttest_1samp(sample, least, alternative='greater').pvalue)


@pytest.mark.parametrize(
    ('interval', 'name', 'wanted'),
    [
        (None, 'accuracy', None),
        ((-0.3, -0.1), 'accuracy', (-0.3, -0.1)),
        ((0.9, 1.3), 'accuracy', (0.9, 1.3)),
        ((0.8, 1.2), 'accuracy', (0.8, 1.0)),
        ((-0.2, 0.2), 'accuracy', (0.0, 0.2)),
        ((-0.2, 1.1), 'accuracy', (0.0, 1.0)),
        ((-0.2, 50.0), 'rmse', (0.0, 50.0)),
    ],
)
def test_intervals_end_where_the_metric_does(interval, name, wanted):
    """One whose middle lies outside is not of that metric, and stays."""
    assert within(interval, name) == wanted


def test_what_endless_replicates_would_resolve():
    measured = Difference(0.004, 0.01, 4.0)
    assert is_resolved(measured, 1e-9, 0.05), 'no error stays'
    assert is_resolved(Difference(0.004, 0.0, 0.0).with_items(ItemError(0.1, 360)), 1e-9, 0.05), 'there is no test'
    # The effect is half of what the items leave open: neither other than 0 nor within a margin of as much.
    open_one = measured.with_items(ItemError(0.008, 360))
    assert not is_resolved(open_one, 0.004, 0.05)
    assert is_resolved(dataclasses.replace(open_one, effect=-0.04), 0.004, 0.05), 'far below 0 is other than 0'
    assert is_resolved(dataclasses.replace(open_one, effect=0.0), 0.03, 0.05) and not is_resolved(open_one, 0.02, 0.05)


@pytest.mark.parametrize(
    ('effect', 'margin', 'needed'), [(0.0, 0.0, None), (0.0, 0.1, 2), (0.5, 0.0, 2), (-0.5, 0.0, 2), (0.5, 0.1, 2)]
)
def test_where_nothing_varies_two_replicates_decide_what_can_be_decided(effect, margin, needed):
    assert replicates_to_decide(Difference(effect, 0.0, 0.0), 5, margin, 0.05) == needed


def test_of_few_degrees_of_freedom_none_were_borrowed():
    assert replicated(Difference(0.02, 0.008, 2.5), 5, 20).freedom == 19.0


def test_two_values_have_an_interval():
    assert mean_interval(np.array([1.0, 3.0]), 0.95) == pytest.approx(stats.t.interval(0.95, 1, 2.0, 1.0))
    assert mean_interval(np.array([1.0]), 0.95) is None


def test_effects_ten_thousand_errors_away_are_decided_at_once():
    assert replicates_to_decide(Difference(3.0, 1e-5, 4.0), 5, 0.01, 0.05) == 2
    assert replicates_to_decide(Difference(0.0, 1e-7, 4.0), 5, 0.01, 0.05) == 2
    assert replicates_to_decide(Difference(0.0, 1e7, 4.0), 5, 0.01, 0.05) is None


@pytest.mark.parametrize(('least', 'needed'), [(1, 2), (2, 2), (3, 3), (501, 501), (999, 999), (1000, 1000), (1001, None)])
def test_replicates_are_looked_for_between_two_and_a_thousand(monkeypatch, least, needed):
    monkeypatch.setattr('results.statistics.replicated', lambda difference, replicates, count: count)
    monkeypatch.setattr('results.statistics._decides', lambda count, margin, alpha: count >= least)
    assert replicates_to_decide(Difference(0.1, 0.1, 4.0), 5, 0.01, 0.05) == needed


@pytest.mark.parametrize('unit', [1e-20, 1.0, 1e20])
def test_a_test_does_not_depend_on_the_unit(unit):
    arm, base = (unit * np.array(values) for values in ([0.2, 0.5, 0.1], [-0.1, 0.1, 0.0]))
    one, other = welch(arm, base), welch(arm / unit, base / unit)
    assert (one.effect / unit, one.error / unit, one.freedom) == pytest.approx((other.effect, other.error, other.freedom))
    noise, alike = (Noise({'arm': given, 'base': low}) for given, low in ((arm, base), (arm / unit, base / unit)))
    one, other = noise.difference('arm', 'base'), alike.difference('arm', 'base')
    assert one.error > 0 and one.error / unit == pytest.approx(other.error) and one.p() == pytest.approx(other.p())


@pytest.mark.parametrize(
    ('interval', 'inside'),
    [((-0.1, 0.1), (0.0, 0.1)), ((0.9, 1.1), (0.9, 1.0)), ((-0.1, 0.09), (-0.1, 0.09)), ((0.91, 1.1), (0.91, 1.1))],
)
def test_the_middle_of_an_interval_may_be_the_end_of_the_range(interval, inside):
    assert within(interval, 'accuracy') == inside
