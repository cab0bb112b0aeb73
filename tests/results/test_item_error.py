"""Item error: the formula by hand, and tests and intervals that hold on other items of the same kind."""

import dataclasses
import itertools

import numpy as np
import pytest

from results.item_error import item_error
from results.noise import Noise
from results.statistics import Difference, ItemError, detectable, is_resolved, replicates_to_decide

ITEMS = 60


def scores(generator: np.random.Generator, replicates: int, items: int = ITEMS, liking: float = 1.0, own: float = 0.05):
    """What replicates of an arm score on items of which it likes some: `[R, n]`; `own` is the replicates' own deviation."""
    liked = liking * generator.normal(size=items)
    return liked + generator.normal(0, own, (replicates, 1)) + generator.normal(0, 0.5, (replicates, items))


def noise_of(generator: np.random.Generator, replicates: int, arms: int = 2, effect: float = 0.0, **how: float) -> Noise:
    items = {name: scores(generator, replicates, **how) for name in ('base', 'a', 'b', 'c', 'd')[:arms]}
    items['a'] = items['a'] + effect
    return Noise({arm: own.mean(1) for arm, own in items.items()}, items)


def test_mean_squares_by_hand():
    gaps = scores(np.random.default_rng(0), 4, 7)
    count, items = gaps.shape
    rows, columns, mean = gaps.mean(1), gaps.mean(0), gaps.mean()
    between = count * sum((column - mean) ** 2 for column in columns) / (items - 1)
    places = list(itertools.product(range(count), range(items)))
    residual = sum((gaps[r, i] - rows[r] - columns[i] + mean) ** 2 for r, i in places) / ((items - 1) * (count - 1))
    made = item_error(gaps)
    assert made.error == pytest.approx(((between - residual) / (items * count)) ** 0.5) and made.items == items
    spread = between**2 / (items - 1) + residual**2 / ((items - 1) * (count - 1))
    assert made.freedom == pytest.approx((between - residual) ** 2 / spread)
    assert made.residual == pytest.approx((residual / (items * count)) ** 0.5)
    more = made.replicated(10 * count)
    assert (more.error, more.residual) == pytest.approx((made.error, made.residual / 10**0.5))
    assert made.freedom < more.freedom < items - 1 == pytest.approx(made.replicated(10**9).freedom)
    assert made.replicated(count) == made


@pytest.mark.parametrize('replicates', [2, 5, 10])
def test_it_is_what_other_items_would_change(replicates):
    generator = np.random.default_rng(replicates)
    variances = [item_error(scores(generator, replicates, liking=0.7)).error ** 2 for _ in range(400)]
    assert np.mean(variances) == pytest.approx(0.7**2 / ITEMS, rel=0.05)
    none = [item_error(scores(generator, replicates, liking=0.0)).error for _ in range(200)]
    assert 0.3 < np.mean(np.array(none) == 0.0) < 0.7, 'where items matter alike, half of the estimates would be below 0'


def test_a_missing_replicate_is_left_out_and_too_little_is_none():
    gaps = scores(np.random.default_rng(1), 4)
    with_gap = np.vstack([gaps[:2], np.full((1, ITEMS), np.nan), gaps[2:]])
    assert item_error(with_gap) == item_error(gaps)
    assert item_error(gaps[:1]) is None and item_error(gaps[:, :1]) is None
    assert item_error(np.full((3, 4), np.nan)) is None


@pytest.mark.parametrize(('replicates', 'arms'), [(3, 5), (10, 2)])
def test_intervals_hold_over_other_items_and_other_replicates(replicates, arms):
    """95 % of them, where those by replicates alone hold far less often."""
    generator, held, alone = np.random.default_rng([replicates, arms]), [], []
    for _ in range(800):
        made = noise_of(generator, replicates, arms).difference('a', 'base')
        held.append(abs(made.effect) <= made.interval(0.95)[1] - made.effect)
        alone.append(abs(made.effect) <= made.alone.interval(0.95)[1] - made.effect)
    assert 0.93 <= np.mean(held) <= 0.975
    assert np.mean(alone) < 0.9


def test_a_large_effect_is_found_all_the_same():
    generator = np.random.default_rng(4)
    claims = [noise_of(generator, 5, 5, effect=1.0).difference('a', 'base').p() < 0.0125 for _ in range(200)]
    assert np.mean(claims) > 0.95


def test_what_is_the_same_on_both_sides_cancels():
    generator = np.random.default_rng(5)
    noise, hard = noise_of(generator, 5), 9 * generator.normal(size=ITEMS)
    moved = Noise(noise.samples, {arm: items + hard for arm, items in noise.items.items()})
    assert moved.item_error({'a': 1.0, 'base': -1.0}).error == pytest.approx(noise.item_error({'a': 1.0, 'base': -1.0}).error)


def test_a_contrast_has_the_error_of_its_own_items():
    noise = noise_of(np.random.default_rng(6), 5, 5)
    weights = {'a': 0.5, 'b': 0.5, 'c': -0.5, 'd': -0.5, 'base': 0.0}
    made = noise.contrast(weights)
    assert made.items == item_error(sum(weight * noise.items[arm] for arm, weight in weights.items()))
    assert made.error**2 == pytest.approx(made.alone.error**2 + made.items.error**2)
    assert noise.contrast({'a': 1.0, 'base': -1.0}).items == noise.difference('a', 'base').items


def test_unequal_counts_are_paired_as_replicates_are():
    generator = np.random.default_rng(7)
    items = {'base': scores(generator, 10), 'a': scores(generator, 5)}
    made = Noise({arm: own.mean(1) for arm, own in items.items()}, items).difference('a', 'base')
    assert made.items == item_error(items['a'] - items['base'][:5])


def test_where_items_are_not_known_of_both_nothing_changes():
    noise = noise_of(np.random.default_rng(8), 5, 3)
    plain = Noise(noise.samples).difference('a', 'base')
    assert (plain.items, plain.alone) == (None, None)
    lacking = {'a': noise.items['a'], 'b': noise.items['b']}
    assert Noise(noise.samples, lacking).difference('a', 'base') == plain
    assert Noise(noise.samples, {**lacking, 'base': noise.items['base'][:, :-1]}).difference('a', 'base') == plain
    assert noise.difference('a', 'base').alone == plain


def test_degrees_of_freedom_lie_between_those_of_both_parts():
    alone = Difference(0.1, 0.3, 4.0)
    assert alone.with_items(ItemError(1e-6, 360)).freedom == pytest.approx(4.0)
    assert alone.with_items(ItemError(300.0, 360)).freedom == pytest.approx(359.0, rel=1e-4)
    even = alone.with_items(ItemError(0.3, 360))
    assert even.freedom == pytest.approx(4 / (1 / 4 + 1 / 359))
    none = alone.with_items(ItemError(0.0, 360))
    assert (none.error, none.freedom, none.alone) == (0.3, 4.0, None)
    still = Difference(0.1, 0.0, 0.0).with_items(ItemError(0.2, 360))
    assert (still.error, still.p(), still.items.error) == (0.0, None, 0.2), 'what does not vary has no test'


def test_more_replicates_take_away_their_own_part_only():
    """What is left is the error of the items, and what that cannot decide no number of replicates decides."""
    measured = Difference(0.02, 0.015, 6.0)
    items = ItemError(0.003, 360)
    both, alpha = measured.with_items(items), 0.0125
    needed = replicates_to_decide(both, 5, 0.001, alpha)
    assert 3 < replicates_to_decide(measured, 5, 0.001, alpha) < needed
    assert is_resolved(both, 0.001, alpha)
    least = detectable(Difference(0.0, items.error, 359.0), alpha)
    for effect, resolved in ((0.98 * least, False), (1.2 * least, True)):
        made = dataclasses.replace(both, effect=effect)
        assert is_resolved(made, 1e-6, alpha) is resolved
        assert (replicates_to_decide(made, 5, 1e-6, alpha) is None) is not resolved
        assert is_resolved(dataclasses.replace(measured, effect=effect), 1e-6, alpha)


@pytest.mark.parametrize('shape', [(1, 5), (5, 1), (0, 5), (2, 0)])
def test_one_replicate_or_one_item_has_no_error(shape):
    assert item_error(np.zeros(shape)) is None
    assert item_error(np.random.default_rng(0).random((2, 2))) is not None


def test_items_that_vary_no_more_than_by_chance_have_no_error_of_their_own():
    gaps = np.array([[1.0, 0.0], [0.0, 1.0]])
    made = item_error(gaps)
    assert (made.error, made.items, made.replicates) == (0.0, 2, 2) and made.residual == pytest.approx(0.5)
    assert item_error(np.ones((3, 4))).residual == 0.0


@pytest.mark.parametrize(('margin', 'effect'), [(0.001, 0.02), (0.03, 0.002), (0.01, 0.012), (0.01, 0.0)])
def test_an_effect_below_nothing_needs_as_many_replicates_as_one_above(margin, effect):
    above, below = (Difference(sign * effect, 0.01, 4.0) for sign in (1, -1))
    assert replicates_to_decide(above, 5, margin, 0.05) == replicates_to_decide(below, 5, margin, 0.05)
    items = ItemError(error=0.006, items=360)
    assert is_resolved(above.with_items(items), margin, 0.05) == is_resolved(below.with_items(items), margin, 0.05)
