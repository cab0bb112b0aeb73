"""Extrapolation: exact predictors, probabilities that sum to one, known entropies, and nothing that looks ahead."""

import dataclasses
import itertools
import math

import numpy as np
import pytest

from ablations.tasks import TASKS
from sweeps.tasks.coders import reference, reference_lines
from sweeps.tasks.extrapolation import (
    EVEN,
    FEW,
    LEAST,
    MEMORIES,
    PRIORS,
    RIDGE,
    SHAPES,
    TRUSTS,
    _least_squares,
    adapted,
    adapting,
    between,
    coded,
    first_bits,
    fitted_weights,
    number_bits,
    polynomial,
    residual_bits,
    weighted,
)
from sweeps.tasks.mixture import Mixture
from sweeps.training.preflight import task_of


@pytest.mark.parametrize('order', [1, 2, 3])
def test_a_polynomial_goes_on_as_it_is(order: int):
    time = np.arange(12)
    levels = (3 + 2 * time * (order > 1) + time**2 * (order > 2)).reshape(1, -1, 1)
    np.testing.assert_allclose(polynomial(levels, order)[:, order - 1 :], levels[:, order:])


def test_the_fitted_product_goes_on_a_swing():
    """x_t+1 = 2 cos(w) x_t - x_t-1 for one w: exactly, where nothing is rounded."""
    generator = np.random.default_rng(0)
    angles = generator.uniform(0, 7, (300, 1)) + 0.5 * np.arange(20)
    levels = 100 + generator.uniform(20, 90, (300, 1)) * np.sin(angles)
    both = levels[..., None]
    weights = fitted_weights(both[:200])
    assert set(weights) == set(range(1, 9))
    np.testing.assert_allclose(weighted(both[200:], weights)[:, 3:], both[200:, 4:], atol=0.01)
    assert np.abs(polynomial(both, 3)[:, 3:] - both[:, 4:]).max() > 5


def test_the_adapted_product_goes_on_swings_of_any_speed():
    """Each episode has a w of its own: the fitted product serves all, the adapted one each."""
    generator = np.random.default_rng(0)
    angles = generator.uniform(0, 7, (400, 1)) + generator.uniform(0.3, 1.2, (400, 1)) * np.arange(40)
    both = (100 + generator.uniform(20, 90, (400, 1)) * np.sin(angles))[..., None]
    weights, predictor = fitted_weights(both[:300]), adapting(both[:300], fitted_weights(both[:300]))
    missed = [np.abs(way(both[300:]) - both[300:, 1:])[:, 25:].mean() for way in (lambda x: weighted(x, weights), predictor)]
    assert missed[1] < 0.5 * missed[0]


def test_adapted_weights_are_those_of_the_normal_equations():
    """What stands in the docstring, minimised by a solver of least squares for one episode."""
    generator = np.random.default_rng(3)
    levels = generator.integers(0, 256, (3, 9, 1)).astype(float)
    root, start = generator.standard_normal((5, 5)), generator.standard_normal((5, 1))
    told = adapted(levels, {lags: np.zeros((lags + 1, 1)) for lags in range(1, 9)}, start, root.T @ root)
    event = 8
    steps = [np.r_[[levels[1, e - b, 0] - levels[1, e - 1, 0] for b in (2, 3, 4)], levels[1, e - 1, 0], 1] for e in range(4, 9)]
    rows = np.concatenate([root, steps[:-1]])
    asked = np.concatenate([root @ start, [levels[1, e] - levels[1, e - 1] for e in range(4, 8)]])
    own = np.linalg.lstsq(rows, asked, rcond=None)[0]
    np.testing.assert_allclose(told[1, event - 1], levels[1, event - 1] + steps[-1] @ own, rtol=1e-6)


@pytest.mark.parametrize('shape', SHAPES)
@pytest.mark.parametrize('scale', [0.1, 1.7, 300.0])
def test_probabilities_of_all_levels_sum_to_one_and_none_is_nothing(shape: str, scale: float):
    levels = np.arange(16).reshape(16, 1, 1)
    for predicted in (-40.0, 0.3, 7.5, 15.0, 99.0):
        bits = coded(levels, np.full(levels.shape, predicted), np.full((1, 1), scale), 4, shape, 0.8, 1.0)
        assert (2.0**-bits).sum() == pytest.approx(1) and np.isfinite(bits).all()
    assert LEAST == 0.1


@pytest.mark.parametrize('shape', SHAPES)
def test_a_shape_has_a_mean_absolute_residual_of_one(shape: str):
    edges = np.linspace(-30, 30, 60_001)
    share = between(edges[:-1], edges[1:], shape)
    middle = (edges[:-1] + edges[1:]) / 2
    assert share.sum() == pytest.approx(1) and (share * np.abs(middle)).sum() == pytest.approx(1, abs=1e-3)


def test_a_code_pays_the_entropy_of_normal_residuals():
    """A walk with normal steps of 4 levels: log2(4 sqrt(2 pi e)) bits a step; linear extrapolation has twice the variance."""
    generator = np.random.default_rng(1)
    steps = np.round(4 * generator.standard_normal((1200, 40, 2))).cumsum(1)
    walk = (128 + steps - steps.mean(1, keepdims=True)).clip(0, 255).astype(np.uint8)
    told = number_bits(walk[:1000], walk[1000:], 8)
    first = first_bits(walk[:1000, 0], walk[1000:, 0], 8).mean() / 40
    entropy = math.log2(4 * math.sqrt(2 * math.pi * math.e)) * 39 / 40
    assert told['last'] == pytest.approx(entropy + first, abs=0.05)
    assert told['linear'] == pytest.approx(entropy + first + 0.5 * 39 / 40, abs=0.06)
    assert told['last'] < told['linear'] < told['quadratic'] and told['fitted'] == pytest.approx(told['last'], abs=0.06)


def test_nothing_looks_ahead():
    """The bits of the first observations stay as they are, whatever comes later."""
    generator = np.random.default_rng(2)
    levels = generator.integers(0, 256, (4, 10, 2))
    changed = levels.copy()
    changed[:, 6:] = generator.integers(0, 256, (4, 4, 2))
    weights = fitted_weights(generator.integers(0, 256, (50, 10, 2)))
    usual = np.full((9, 2), 20.0)
    follows = adapting(generator.integers(0, 256, (50, 10, 2)), weights)
    for predictor in (lambda given: polynomial(given, 3), lambda given: weighted(given, weights), follows):
        one, other = (coded(given[:, 1:], predictor(given), usual, 8, 'laplace', 0.8, 2.0) for given in (levels, changed))
        np.testing.assert_array_equal(one[:, :5], other[:, :5])
        assert (one[:, 5:] != other[:, 5:]).all(1).any()


def test_too_few_episodes_are_refused():
    with pytest.raises(ValueError, match=r'9 training and 3 test episodes; .*needs 10'):
        number_bits(np.zeros((9, 4, 1), np.uint8), np.zeros((3, 4, 1), np.uint8), 8)


def test_the_reference_of_numbers_stands_beside_that_of_bytes():
    task = task_of({**TASKS['pendulums'].data, 'train': 500, 'held': 50})
    task = dataclasses.replace(task, events=12)
    bits = reference(task)
    assert {'lzma', 'order_k', 'last', 'linear', 'quadratic', 'fitted', 'adapted'} < set(bits)
    assert bits['best'] == min(value for name, value in bits.items() if name not in ('k', 'best', 'source'))
    assert bits['fitted'] < bits['linear'] and bits['source'] == task.least_bits() < bits['best'] < 8
    assert (
        f'a linear product {bits["fitted"]:.3f}, one that adapts {bits["adapted"]:.3f}'
        in reference_lines('pendulums', bits)[-1]
    )


def test_the_reference_of_a_mixture_has_what_all_of_its_parts_have():
    few = {'train': 200, 'held': 50}
    moving = {'kind': 'trajectories', **few}
    digits = {'kind': 'pixels', 'dataset': 'digits', 'train': 200, 'held': 50}
    both = Mixture((moving, {**moving, 'motion': {'kind': 'planets'}}), held=20, tested=40)
    told, parts = reference(both), [reference(part) for part in both.components]
    assert told['adapted'] == pytest.approx((parts[0]['adapted'] + parts[1]['adapted']) / 2)
    assert 'adapted' not in reference(Mixture((moving, digits), held=20, tested=40))


def test_no_test_episodes_are_refused_and_ten_of_training_are_enough():
    train = np.random.default_rng(0).integers(0, 16, (10, 4, 1)).astype(np.uint8)
    with pytest.raises(ValueError, match=r'10 training and 0 test episodes; .*needs 10 and 1 or more'):
        number_bits(train, train[:0], 4)
    assert set(number_bits(train, train[:1], 4)) == {'last', 'linear', 'quadratic', 'fitted', 'adapted'}


def test_episodes_too_short_to_adapt_to_are_told_by_the_fitted_product():
    levels = np.random.default_rng(0).integers(0, 256, (40, 5, 2))
    weights = fitted_weights(levels)
    np.testing.assert_array_equal(adapting(levels, weights)(levels), weighted(levels, weights))
    longer = np.random.default_rng(0).integers(0, 256, (40, 6, 2))
    weights = fitted_weights(longer)
    assert (adapting(longer, weights)(longer) != weighted(longer, weights)).any()


@pytest.mark.parametrize(
    ('shape', 'below'),
    [('laplace', lambda x: 1 - math.exp(-x) / 2), ('gaussian', lambda x: (1 + math.erf(x / math.sqrt(math.pi))) / 2)],
)
def test_shapes_are_their_closed_forms_on_both_sides(shape: str, below):
    for low, high in ((0.0, 1.0), (0.5, 2.0), (3.0, math.inf)):
        wanted = (1.0 if high == math.inf else below(high)) - below(low)
        assert between(np.float64(low), np.float64(high), shape) == pytest.approx(wanted, rel=1e-9)
        assert between(np.float64(-high), np.float64(-low), shape) == pytest.approx(wanted, rel=1e-9)
    assert between(np.float64(-1.0), np.float64(0.5), shape) == pytest.approx(below(0.5) - (1 - below(1.0)))
    assert 0 < between(np.float64(9.0), np.float64(10.0), shape) == between(np.float64(-10.0), np.float64(-9.0), shape), (
        'a tail'
    )


def test_a_code_is_as_wide_as_what_is_usual_and_what_was_missed_so_far():
    """Missed by 1, 4 and 0 where 2 is usual, which counts as three observations; what is older counts by half."""
    levels, predicted = np.array([[[9], [4], [8]]]), np.full((1, 3, 1), 8.0)
    told = coded(levels, predicted, np.full((3, 1), 2.0), 4, 'laplace', 0.5, 3.0)[0, :, 0]
    for bits, level, scale in zip(told, (9, 4, 8), (2.0, (6 + 1) / 4, (6 + 4.5) / 4.5), strict=True):
        share = between(np.float64((level - 8.5) / scale), np.float64((level - 7.5) / scale), 'laplace')
        assert bits == pytest.approx(-math.log2((1 - EVEN) * share + EVEN / 16))


def test_first_numbers_cost_what_counts_and_half_a_count_for_each_level_say():
    train, test = np.array([[0, 3], [0, 3], [1, 3]]), np.array([[0, 3], [3, 0]])
    np.testing.assert_allclose(2.0 ** -first_bits(train, test, 2), [[2.5 / 5, 3.5 / 5], [0.5 / 5, 0.5 / 5]])


WALKS = np.random.default_rng(5).integers(-9, 10, (40, 12, 2)).cumsum(1) + 128
"""Forty episodes of twelve observations."""


@pytest.mark.parametrize(('lags', 'end'), [(1, 2), (3, 4), (4, 12), (8, 12)])
def test_weights_are_those_of_least_squares_with_a_small_ridge(lags: int, end: int):
    """And the mean product of what they weigh, by which trust in them is told."""
    rows, asked = [], []
    for episode in WALKS.astype(float):
        for event in range(lags, end):
            last = episode[event - 1]
            rows.append(np.r_[[], *(episode[event - back] - last for back in range(2, lags + 1)), last, 1])
            asked.append(episode[event] - last)
    rows, asked = np.array(rows), np.array(asked)
    square = rows.T @ rows + RIDGE * len(WALKS) * np.eye(rows.shape[1])
    weights, mean = _least_squares(WALKS, lags, end)
    np.testing.assert_allclose(weights, np.linalg.solve(square, rows.T @ asked), rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(mean, square / len(rows), rtol=1e-12)
    if (lags, end) == (8, 12):
        np.testing.assert_array_equal(fitted_weights(WALKS)[8], weights)


def test_trust_in_the_weights_is_what_misses_least_on_the_last_tenth():
    weights = fitted_weights(WALKS)
    start, square = _least_squares(WALKS, FEW, 12)
    ways = {trust: adapted(WALKS, weights, start, trust * square) for trust in TRUSTS}
    missed = {trust: np.abs(way - WALKS[:, 1:])[36:].mean() for trust, way in ways.items()}
    np.testing.assert_array_equal(adapting(WALKS, weights)(WALKS), ways[min(missed, key=missed.get)])
    assert len(set(missed.values())) == 3


def test_the_code_of_residuals_is_what_costs_least_on_the_last_tenth():
    test = WALKS[:7] + 1
    before, asked = polynomial(WALKS, 1), polynomial(test, 1)
    usual = np.abs(WALKS[:36, 1:] - before[:36]).mean(0)
    costs = {
        way: coded(WALKS[36:, 1:], before[36:], usual, 8, *way).mean() for way in itertools.product(SHAPES, MEMORIES, PRIORS)
    }
    best = min(costs, key=costs.get)
    np.testing.assert_array_equal(residual_bits(WALKS, test, before, asked, 8), coded(test[:, 1:], asked, usual, 8, *best))
    assert len(set(costs.values())) == len(costs)


def test_all_numbers_of_an_episode_are_counted_the_first_ones_too():
    test = WALKS[:7] + 1
    rest = residual_bits(WALKS, test, polynomial(WALKS, 2), polynomial(test, 2), 9)
    whole = first_bits(WALKS[:, 0], test[:, 0], 9).sum() + rest.sum()
    assert number_bits(WALKS, test, 9)['linear'] == pytest.approx(whole / (7 * 12 * 2), rel=1e-12)
