"""Statistics against scipy's own tests and a textbook's numbers."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from results.statistics import (
    APART,
    BORROWED,
    COUNTED,
    LEAST,
    Difference,
    detectable,
    holm,
    mean_interval,
    moderated,
    own_variances,
    replicates_to_decide,
    spread,
    welch,
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
    found = welch(np.array(arm), np.array(base))
    assert (found.error, found.freedom) == (0.0, 0.0)
    assert found.effect == pytest.approx(effect)
    assert (found.p(), found.p(0.1), found.interval(0.95), found.p_within(0.01)) == (None, None, None, None)


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
    found = welch(base + 1e-6, base)
    assert found.error > 0
    assert found.p() == pytest.approx(stats.ttest_ind(base + 1e-6, base, equal_var=False).pvalue, rel=1e-6)


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
        ('arm_sd', [0.5, 1.0, 2.0, 4.0], True),
        ('base_sd', [0.5, 1.0, 2.0, 4.0], True),
        ('effect', [1.0, 1.5, 2.0, 4.0, 8.0], False),
        ('effect', [-1.0, -1.5, -2.0, -4.0, -8.0], False),
        ('margin', [0.5, 1.0, 2.0, 4.0], False),
        ('alpha', [0.001, 0.01, 0.05, 0.2], False),
    ],
)
@pytest.mark.parametrize('effect', [0.0, 1.2])
def test_replicates_to_decide_follow_noise_effect_margin_and_level(name, values, grows, effect):
    fields = {'arm_sd': 1.0, 'base_sd': 1.0, 'effect': effect, 'margin': 0.5, 'alpha': 0.05}
    found = [replicates_to_decide(**{**fields, name: value}) for value in values]
    needs = [math.inf if need is None else need for need in found]
    assert needs == sorted(needs, reverse=not grows)
    assert needs[0] != needs[-1] or (name == 'margin' and effect)
    assert all(need is None or 2 <= need <= 1000 for need in found)


def test_replicates_to_decide_do_decide():
    """Simulated: with that many replicates about four in five studies find the effect; with half of them, fewer."""
    generator = np.random.default_rng(0)
    need = replicates_to_decide(1.0, 1.0, 1.0, 0.01, 0.05)

    def power(count: int) -> float:
        hits = [welch(generator.normal(1, 1, count), generator.normal(0, 1, count)).p() <= 0.05 for _ in range(400)]
        return float(np.mean(hits))

    assert 0.75 <= power(need) <= 0.95
    assert power(need // 2) < 0.65


def test_what_cannot_be_decided_is_none():
    assert replicates_to_decide(1.0, 1.0, 0.0, 1e-6, 0.05) is None
    assert replicates_to_decide(1.0, 1.0, 0.5, 0.5, 0.05) is not None
    assert replicates_to_decide(0.0, 0.0, 0.5, 0.1, 0.05) == 2


def test_a_difference_is_plain_numbers():
    found = welch(*drawn(*SAMPLES[1]))
    assert all(type(value) is float for value in (found.effect, found.error, found.freedom, found.p(), *found.interval(0.95)))
    assert isinstance(found, Difference)


# What arms lend each other.

NAMES = ('base', 'a', 'b', 'c', 'd', 'e')


def arms(count: int, replicates: int = 5, split: float = 0.0, seed: int = 0, deviations: tuple = ()) -> dict:
    """Samples of arms that share what their replicates have in common."""
    generator = np.random.default_rng([seed, count, replicates])
    shared = generator.normal(0, split, replicates)
    return {
        name: generator.normal(0, deviations[place] if deviations else 1.0, replicates) + shared
        for place, name in enumerate(NAMES[:count])
    }


@pytest.mark.parametrize(('count', 'weight'), [(2, 0), (3, 1), (4, 2), (5, 3), (6, 3)])
@pytest.mark.parametrize('replicates', [2, 3, 5])
def test_an_arm_borrows_a_replicates_worth_for_each_arm_past_two(count, weight, replicates):
    found = spread(arms(count, replicates))
    assert found.weight == (weight if replicates > 2 else 0), 'two replicates borrow nothing'
    assert found.weight <= BORROWED
    assert found.shared == (count >= 3 and replicates >= 3)


@pytest.mark.parametrize('count', [3, 4, 6])
@pytest.mark.parametrize('split', [0.0, 3.0])
def test_variances_apart_from_the_split_are_those_of_grubbs(count, split):
    """Of an arm with every pair of others: half of what its two differences vary more than theirs; then the mean."""
    samples = list(arms(count, 7, split, deviations=(0.5, 1.0, 1.5, 2.0, 1.0, 1.0)).values())
    wanted = []
    for place, own in enumerate(samples):
        others = [sample for number, sample in enumerate(samples) if number != place]
        parts = []
        for one, two in itertools.combinations(others, 2):
            parts.append((np.var(own - one, ddof=1) + np.var(own - two, ddof=1) - np.var(one - two, ddof=1)) / 2)
        wanted.append(np.mean(parts))
    floor = LEAST * np.mean(wanted)
    assert own_variances(samples) == pytest.approx([max(value, floor) for value in wanted])


def test_what_replicates_have_in_common_changes_nothing():
    """A split moves every arm alike: tests of three arms or more are the same as without it."""
    quiet = arms(4)
    moved = {name: sample + np.array([9.0, -4.0, 0.0, 2.0, -7.0]) for name, sample in quiet.items()}
    one, two = (moderated(samples, 'a', 'base', spread(samples)) for samples in (quiet, moved))
    assert (two.effect, two.error, two.freedom) == pytest.approx((one.effect, one.error, one.freedom))
    pair = {name: moved[name] for name in ('base', 'a')}
    assert moderated(pair, 'a', 'base', spread(pair)).error > 2 * one.error, 'two arms alone cannot tell'


@pytest.mark.parametrize(
    'sizes', [(5, 5), (2, 2), (3, 6), (2, 2, 2, 2)], ids=['two arms', 'two replicates', 'sizes', 'two replicates of four']
)
def test_with_nothing_to_borrow_it_is_welchs_test(sizes):
    generator = np.random.default_rng(1)
    samples = {name: generator.normal(0, 1 + place, size) for place, (name, size) in enumerate(zip(NAMES, sizes, strict=False))}
    found, theirs = (
        moderated(samples, 'a', 'base', spread(samples)),
        stats.ttest_ind(samples['a'], samples['base'], equal_var=False),
    )
    assert found.p() == pytest.approx(theirs.pvalue)
    assert found.freedom == pytest.approx(theirs.df)


@pytest.mark.parametrize(('count', 'base_replicates'), [(3, 5), (4, 5), (5, 5), (6, 5), (4, 10)])
@pytest.mark.parametrize('seed', range(3))
def test_a_moderated_test_by_hand(count, base_replicates, seed):
    samples = arms(count, 5, seed=seed, deviations=(1.0, 0.5, 2.0, 1.0, 1.5, 1.0))
    if base_replicates != 5:
        samples['base'] = np.random.default_rng(seed).normal(0, 1, base_replicates)
    equal = base_replicates == 5
    own = (
        dict(zip(samples, own_variances(list(samples.values())), strict=True))
        if equal
        else {n: np.var(s, ddof=1) for n, s in samples.items()}
    )
    freedom = {name: (APART if equal else 1.0) * (len(sample) - 1) for name, sample in samples.items()}
    mean = sum(own[name] * freedom[name] for name in samples) / sum(freedom.values())
    weight = min(count - 2, 3)
    parts, freedoms = [], []
    for name in ('a', 'base'):
        mixed = (freedom[name] * own[name] + weight * mean) / (freedom[name] + weight)
        kept = name == 'base' and own[name] > mixed
        parts.append((own[name] if kept else mixed) / len(samples[name]))
        freedoms.append(freedom[name] + (0 if kept else COUNTED * weight))
    found = moderated(samples, 'a', 'base', spread(samples))
    satterthwaite = sum(parts) ** 2 / sum(part**2 / count for part, count in zip(parts, freedoms, strict=True))
    assert found.effect == pytest.approx(samples['a'].mean() - samples['base'].mean())
    assert found.error == pytest.approx(math.sqrt(sum(parts)))
    assert found.freedom == pytest.approx(satterthwaite)
    assert found.p() == pytest.approx(2 * stats.t.sf(abs(found.effect) / found.error, satterthwaite))


def test_the_bases_own_variance_is_never_lowered():
    for seed in range(30):
        samples = arms(5, seed=seed, deviations=(4.0, 1.0, 1.0, 1.0, 1.0))
        found = spread(samples)
        assert found.of('base', lowered=False)[0] >= found.variances['base']
        loud = max(found.variances, key=found.variances.get)
        assert found.of(loud)[0] < found.variances[loud], 'that of any other arm is drawn to the mean'


def test_arms_that_are_not_known_or_too_small_are_left_out():
    samples = {**arms(3), 'few': np.array([1.0]), 'none': None}
    found = spread(samples)
    assert list(found.variances) == ['base', 'a', 'b']
    assert moderated(samples, 'few', 'base', found) is None
    assert moderated(samples, 'a', 'few', found) is None
    empty = spread({})
    assert (empty.variances, empty.variance, empty.weight) == ({}, 0.0, 0.0)
    assert moderated({}, 'a', 'base', empty) is None


@pytest.mark.parametrize('value', [0.0, 0.5, 1e9])
def test_where_neither_side_varies_there_is_no_test(value):
    samples = {**arms(3), 'still': np.full(5, value), 'again': np.full(5, value + 1)}
    found = moderated(samples, 'still', 'again', spread(samples))
    assert (found.effect, found.error, found.freedom) == (pytest.approx(-1.0), 0.0, 0.0)
    assert (found.p(), found.interval(0.95), found.p_within(1.0), detectable(found, 0.05)) == (None, None, None, None)
    assert moderated(samples, 'still', 'base', spread(samples)).error > 0


def test_where_nothing_varies_at_all_nothing_is_divided_by_nothing():
    samples = {name: np.full(5, 0.3) for name in NAMES[:4]}
    found = spread(samples)
    assert (found.variance, found.weight) == (0.0, 2.0)
    assert moderated(samples, 'a', 'base', found) == Difference(0.0, 0.0, 0.0)


@pytest.mark.parametrize('replicates', [3, 5])
@pytest.mark.parametrize(
    'deviations',
    [(1, 1, 1, 1, 1), (2, 1, 1, 1, 1), (1, 2, 1, 1, 1), (1, 0.5, 0.5, 0.5, 1)],
    ids=['equal', 'a loud base', 'a loud arm', 'quiet arms'],
)
def test_the_familywise_error_is_held_up_to_a_noise_ratio_of_two(deviations, replicates):
    """Identical arms, whose replicates share a split: in 5 % of studies at most is any of them called different."""
    called = 0
    for seed in range(1200):
        samples = arms(5, replicates, 1.0, seed, deviations)
        found = spread(samples)
        called += min(holm([moderated(samples, arm, 'base', found).p() for arm in NAMES[1:5]])) <= 0.05
    # Three standard errors of a share of 5 % over 1,200 studies.
    assert called / 1200 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 1200)


def test_borrowing_finds_more():
    """An effect of three deviations, four comparisons, three replicates: 30 % by Welch, at equal noise (design)."""
    hits = {'moderated': 0, 'welch': 0}
    for seed in range(300):
        samples = arms(5, 3, seed=seed)
        samples['a'] = samples['a'] + 3.0
        found = spread(samples)
        hits['moderated'] += holm([moderated(samples, arm, 'base', found).p() for arm in NAMES[1:5]])[0] <= 0.05
        hits['welch'] += holm([welch(samples[arm], samples['base']).p() for arm in NAMES[1:5]])[0] <= 0.05
    assert hits['moderated'] > 1.4 * hits['welch']
    assert hits['moderated'] / 300 > 0.42


@pytest.mark.parametrize(('freedom', 'alpha'), [(4.0, 0.05), (8.0, 0.0125), (2.5, 0.05), (60.0, 0.01)])
def test_what_is_detectable_is_detected_in_four_of_five_studies(freedom, alpha):
    """Simulated: an effect of that size over its error, a chi-squared estimate of which is used in its place."""
    generator = np.random.default_rng(0)
    found = detectable(Difference(0.7, 0.3, freedom), alpha)
    scores = (found / 0.3 + generator.normal(size=40000)) / np.sqrt(generator.chisquare(freedom, 40000) / freedom)
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
