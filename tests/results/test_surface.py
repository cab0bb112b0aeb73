"""Surface: the Gaussian process against one written out here, known optima, and errors that are what they say."""

import itertools
import math

import numpy as np
import pytest

from results import surface
from results.optimum import best, bests, candidates
from results.surface import LEAST, MOST, errors, finite_ones, fit, fits, middle_of, most_fitted, scale_of, together
from sweeps.protocol.search.sobol import scrambled_sobol


def bowl(units: np.ndarray, optimum: tuple, curvature: tuple = (1.0, 0.5, 0.7)) -> np.ndarray:
    return 0.9 - ((units - np.array(optimum)) ** 2 * np.array(curvature)[: units.shape[1]]).sum(1)


def noisy(optimum: tuple, noise: float, seed: int, count: int = 16) -> tuple[np.ndarray, np.ndarray]:
    units = scrambled_sobol(count, len(optimum), seed)
    return units, bowl(units, optimum) + np.random.default_rng(seed).normal(0, noise, count)


# Against a Gaussian process of a few lines.


def likeness(a: np.ndarray, b: np.ndarray, lengths: tuple, smooth: tuple) -> np.ndarray:
    covariance = np.empty((len(a), len(b)))
    for i, one in enumerate(a):
        for j, other in enumerate(b):
            away = 0.0
            for dim, length in enumerate(lengths):
                gap = (one[dim] - other[dim]) ** 2 if smooth[dim] else float(one[dim] != other[dim])
                away += gap / length**2
            slopes = sum((one[dim] - 0.5) * (other[dim] - 0.5) for dim in range(len(lengths)) if smooth[dim])
            covariance[i, j] = math.exp(-away / 2) + surface.LEVEL + surface.SLOPE * slopes
    return covariance


def far(points: np.ndarray, smooth: tuple) -> np.ndarray:
    return np.array([sum((point[d] - 0.5) ** 2 for d in range(len(point)) if smooth[d]) for point in points])


def by_hand(units, scores, point, lengths, noise, fall, smooth) -> tuple[float, float, float, float]:
    """Posterior mean and variance of one setting, its log evidence and expected scale: each from the textbook's formula.

    With the scale's inverse drawn from a Gamma distribution, the scores follow a multivariate Student distribution, whose
    density scipy knows only where the degrees of freedom match; so the integral over the scale is done here by numbers.
    """
    middle, spread = scores.mean(), scores.std()
    told = (scores - middle) / spread + fall * far(units, smooth)
    covariance = likeness(units, units, lengths, smooth) + noise * np.eye(len(units))
    across = likeness(point[None], units, lengths, smooth)[0]
    mean = across @ np.linalg.solve(covariance, told) - fall * far(point[None], smooth)[0]
    variance = likeness(point[None], point[None], lengths, smooth)[0, 0] - across @ np.linalg.solve(covariance, across)
    misfit = told @ np.linalg.solve(covariance, told) + surface.FLOOR
    count = len(units)
    evidence = -0.5 * np.linalg.slogdet(covariance)[1] - (count + 1) / 2 * math.log(misfit)
    return middle + spread * mean, variance, evidence, misfit / (count + 1)


@pytest.mark.parametrize(
    ('dims', 'lengths', 'noise', 'fall', 'smooth'),
    [
        (2, (0.6, 1.5), 0.03, 2.0, (True, True)),
        (2, (0.25, 0.5), 0.3, 0.5, (True, True)),
        (1, (0.25,), 0.003, 2.0, (True,)),
        (2, (0.6, 0.5), 0.1, 2.0, (True, False)),
        (3, (0.6, 1.5, 1.5), 0.1, 5.0, (True, True, True)),
    ],
)
def test_one_setting_is_the_gaussian_process_of_the_textbook(monkeypatch, dims, lengths, noise, fall, smooth):
    monkeypatch.setattr(surface, 'FIRST', lengths[:1])
    monkeypatch.setattr(surface, 'OTHERS', lengths[1:2] or (1.0,))
    monkeypatch.setattr(surface, 'NOISES', (noise,))
    monkeypatch.setattr(surface, 'FALLS', (fall,))
    generator = np.random.default_rng(dims)
    units = generator.random((12, dims))
    units[:, ~np.array(smooth)] = np.floor(units[:, ~np.array(smooth)] * 2) / 2 + 0.25
    scores = generator.normal(3, 0.2, 12)
    fitted = fit(units, scores, np.array(smooth))
    points = generator.random((5, dims))
    points[:, ~np.array(smooth)] = 0.25
    for point, mean in zip(points, fitted.mean(points), strict=True):
        wanted, variance, _, scale = by_hand(units, scores, point, lengths, noise, fall, smooth)
        assert mean == pytest.approx(wanted, rel=1e-9)
        assert fitted.error(point) == pytest.approx(scores.std() * math.sqrt(scale * variance), rel=1e-6)
        assert fitted.noise == pytest.approx(scores.std() * math.sqrt(scale * noise), rel=1e-6)


def test_replicates_have_one_surface_each_at_its_own_height():
    """Whatever their heights, the surface is that of their mean; with more of them it is known better."""
    made = [noisy((0.45, 0.6), 0.05, seed, count=8) for seed in range(5)]
    units, scores = (np.concatenate(parts) for parts in zip(*made, strict=True))
    groups = np.repeat(np.arange(5), 8)
    fitted, moved = fit(units, scores, groups=groups), fit(units, scores + 7.0 * groups, groups=groups)
    points = np.random.default_rng(0).random((5, 2))
    assert fitted.groups == 5
    assert moved.mean(points) == pytest.approx(fitted.mean(points) + 14.0, abs=1e-9)
    truth = bowl(points, (0.45, 0.6))
    assert fitted.mean(points) == pytest.approx(truth, abs=0.1)
    assert fitted.noise == pytest.approx(0.05, rel=0.2)


def test_settings_are_weighed_by_their_evidence():
    """All settings of two coordinates, one by one: the mean is the mixture's, the error its standard deviation."""
    units, scores = noisy((0.45, 0.6), 0.1, 3, count=10)
    point = np.array([0.3, 0.7])
    by_setting = []
    for first, other in itertools.product(surface.FIRST, surface.OTHERS):
        for noise, fall in itertools.product(surface.NOISES, surface.FALLS):
            by_setting.append(by_hand(units, scores, point, (first, other), noise, fall, (True, True)))
    means, variances, evidence, scales = np.array(by_setting).T
    chances = np.exp(evidence - evidence.max())
    chances /= chances.sum()
    mean = chances @ means
    error = math.sqrt(chances @ (variances * scales * scores.var() + means**2) - mean**2)
    fitted = fit(units, scores)
    # What is left out is at most RARE of each set of lengths.
    assert fitted.mean(point[None])[0] == pytest.approx(mean, abs=1e-3)
    assert fitted.error(point) == pytest.approx(error, rel=1e-2)


# What it finds.


@pytest.mark.parametrize('optimum', [(0.45, 0.6), (0.2, 0.3), (0.8, 0.75), (0.5,), (0.45, 0.6, 0.5)], ids=str)
def test_the_optimum_of_a_bowl_is_recovered(optimum):
    units = scrambled_sobol(32, len(optimum), 1)
    point, height = best(fit(units, bowl(units, optimum)), units.min(0), units.max(0))
    assert point == pytest.approx(optimum, abs=0.05)
    assert height == pytest.approx(0.9, abs=5e-3)


@pytest.mark.parametrize(('noise', 'share'), [(0.02, 0.35), (0.05, 0.5), (0.2, 0.8)])
def test_noise_is_averaged_out(noise, share):
    """What is lost by following the surface, as a share of what is lost by following the best trial."""
    optimum, lost, followed = (0.45, 0.6), [], []
    for seed in range(60):
        units, scores = noisy(optimum, noise, seed)
        point, _ = best(fit(units, scores), units.min(0), units.max(0))
        lost.append(0.9 - bowl(point[None], optimum)[0])
        followed.append(0.9 - bowl(units[[scores.argmax()]], optimum)[0])
    assert np.mean(lost) < share * np.mean(followed)


def test_errors_and_noise_are_what_they_say():
    """At a place chosen before, the truth lies within two errors as often as it should; `noise` is that of the trials."""
    inside, noises, ratios = 0, [], []
    for seed in range(150):
        units, scores = noisy((0.45, 0.6), 0.1, seed)
        fitted, point = fit(units, scores), np.random.default_rng(seed + 999).uniform(0.2, 0.8, 2)
        truth, error = bowl(point[None], (0.45, 0.6))[0], fitted.error(point)
        inside += abs(fitted.mean(point[None])[0] - truth) < 2 * error
        ratios.append((fitted.mean(point[None])[0] - truth) / error)
        noises.append(fitted.noise)
    assert inside / 150 > 0.9
    assert 0.6 < np.std(ratios) < 1.3
    assert np.mean(noises) == pytest.approx(0.1, rel=0.25)


def test_an_error_is_smaller_where_trials_are():
    units, scores = noisy((0.5, 0.5), 0.05, 0)
    near = units[:, 0] < 0.5
    fitted = fit(units[near], scores[near])
    assert fitted.error(np.array([0.25, 0.5])) < 0.7 * fitted.error(np.array([0.95, 0.5]))


# What has no shape.


@pytest.mark.parametrize('value', [0.0, 0.5, 2e9, -3e-9], ids=str)
def test_equal_scores_give_a_point_and_hardly_a_gain(value):
    units = scrambled_sobol(16, 2, 0)
    fitted = fit(units, np.full(16, value))
    point, height = best(fitted, units.min(0), units.max(0))
    assert ((point >= units.min(0)) & (point <= units.max(0))).all()
    assert height == pytest.approx(value, abs=0.05)
    assert 0 <= fitted.error(point) < 0.05


def test_repeated_points_do_not_break_the_fit():
    fitted = fit(np.full((8, 2), 0.5), np.linspace(0, 1, 8))
    assert fitted.mean(np.array([[0.5, 0.5]]))[0] == pytest.approx(0.5, abs=0.1)
    assert math.isfinite(fitted.error(np.array([0.1, 0.9])))


@pytest.mark.parametrize('mark', [-math.inf, math.nan, math.inf])
def test_what_is_not_finite_is_left_out(mark):
    units, scores = noisy((0.45, 0.6), 0.05, 2)
    lost = np.arange(16) % 4 == 0
    whole = fit(units[~lost], scores[~lost])
    fitted = fit(units, np.where(lost, mark, scores))
    points = candidates(np.zeros(2), np.ones(2))[::20]
    assert (fitted.mean(points) == whole.mean(points)).all()
    few = np.full(16, mark)
    few[: LEAST - 1] = scores[: LEAST - 1]
    assert fit(units, few) is None
    few[LEAST - 1] = scores[LEAST - 1]
    assert fit(units, few) is not None
    assert fit(np.empty((0, 2)), np.empty(0)) is None


def test_a_choice_has_no_order():
    """The middle of three values is the worst: between two good ones lies nothing."""
    generator = np.random.default_rng(0)
    units = np.stack([scrambled_sobol(24, 1, 0)[:, 0], (np.arange(24) % 3 + 0.5) / 3], 1)
    height = np.array([0.5, 0.0, 0.6])[np.arange(24) % 3]
    scores = height - (units[:, 0] - 0.4) ** 2 + generator.normal(0, 0.02, 24)
    fitted = fit(units, scores, np.array([True, False]))
    point, top = best(fitted, units.min(0), units.max(0))
    assert point[1] == units[2, 1], 'a value that was tried, bit for bit'
    assert point[0] == pytest.approx(0.4, abs=0.1)
    assert top == pytest.approx(0.6, abs=0.05)
    untried = fitted.mean(np.array([[0.4, 1 / 3], [0.4, 2 / 3], [0.4, 0.99]]))
    assert untried == pytest.approx([untried[0]] * 3), 'values that were not tried are all equally far from the others'


def test_a_choice_alone_beside_the_rate_may_have_one_value_left():
    units, scores = noisy((0.45,), 0.02, 0)
    units = np.stack([units[:, 0], np.full(16, 0.75)], 1)
    point, _ = best(fit(units, scores, np.array([True, False])), units.min(0), units.max(0))
    assert point[1] == 0.75 and point[0] == pytest.approx(0.45, abs=0.1)


# Together.


def test_a_surface_is_the_same_alone_and_among_others():
    """To the last bit, whatever the shapes: what a plan selects must not depend on which arms are recorded."""
    generator, asked = np.random.default_rng(7), []
    for count, dims in [(10, 2), (10, 2), (10, 1), (10, 2), (3, 2), (28, 2), (80, 1), (10, 3), (10, 2), (10, 2)]:
        units = generator.random((count, dims))
        asked.append((units, -(units**2).sum(1) + generator.normal(0, 0.1, count), np.ones(dims, bool), None))
    for place, smooth, groups in [
        (3, [True, False], None),
        (8, [True, True], np.arange(10) % 2),
        (9, [True, True], np.zeros(10)),
    ]:
        asked[place] = (np.round(asked[place][0], 1), asked[place][1], np.array(smooth), groups)
    asked[1][1][4] = -np.inf
    made = [one for one in fits(asked) if one is not None]
    alone = [fit(*trials) for trials in asked if len(trials[0]) >= LEAST]
    assert len(made) == len(alone) == 9
    ends = [(one.units.min(0), one.units.max(0)) for one in made]
    points = bests(made, *zip(*ends, strict=True))
    spreads = errors(made, [point for point, _ in points])
    for one, other, (low, high), (point, height), error in zip(made, alone, ends, points, spreads, strict=True):
        assert (one.weights == other.weights).all() and (one.noise, one.fall) == (other.noise, other.fall)
        peak = best(other, low, high)
        assert (point == peak[0]).all() and (height, error) == (peak[1], other.error(point))


def test_a_grid_is_its_points():
    units, scores = noisy((0.45, 0.6), 0.05, 1)
    axes = [np.linspace(-0.2, 1.1, 5), np.linspace(0, 1, 4)]
    points = np.array(list(itertools.product(*axes)))
    for smooth in ([True, True], [True, False]):
        made = fit(units, scores, np.array(smooth))
        np.testing.assert_allclose(made.on_grid(axes).ravel(), made.mean(points), rtol=1e-10)
    made = fit(units[:, :1], scores)
    np.testing.assert_allclose(made.on_grid(axes[:1]), made.mean(axes[0][:, None]), rtol=1e-10)


# A pure function.


def test_the_same_trials_give_the_same_surface_and_stay_as_they_were():
    units, scores = noisy((0.3, 0.6), 0.05, 4)
    copies = units.copy(), scores.copy()
    one, two = (best(fit(units, scores), units.min(0), units.max(0)) for _ in range(2))
    assert (one[0] == two[0]).all() and one[1] == two[1]
    assert (units == copies[0]).all() and (scores == copies[1]).all()


def test_the_order_of_trials_and_the_unit_of_scores_do_not_matter():
    units, scores = noisy((0.3, 0.6), 0.05, 5)
    point, height = best(fit(units, scores), np.zeros(2), np.ones(2))
    order = np.random.default_rng(0).permutation(16)
    again, _ = best(fit(units[order], scores[order]), np.zeros(2), np.ones(2))
    assert again == pytest.approx(point, abs=1e-6)
    other, scaled = best(fit(units, 1000 * scores - 7), np.zeros(2), np.ones(2))
    assert other == pytest.approx(point, abs=1e-6)
    assert scaled == pytest.approx(1000 * height - 7, rel=1e-6)


@pytest.mark.parametrize('dims', [1, 2, 3, 5])
def test_candidates_fill_the_box_and_stay_in_it(dims):
    low, high = np.linspace(-0.3, 0.1, dims), np.linspace(0.6, 1.3, dims)
    points = candidates(low, high)
    assert (points >= low).all() and (points <= high).all()
    assert (candidates(low, high) == points).all()
    counts = [np.histogram(points[:, d], 4, (low[d], high[d]))[0] / len(points) for d in range(dims)]
    assert np.array(counts) == pytest.approx(0.25, abs=0.06)
    assert len({tuple(point) for point in points.tolist()}) == len(points)


@pytest.mark.parametrize('side', [-1, 1])
def test_where_a_range_was_extended_its_middle_moves_with_the_trials(side):
    """A surface knows of no place but the middle: moved there, the same trials give the same surface."""
    generator = np.random.default_rng(3)
    units = generator.random((12, 2))
    units[:, 0] = units[:, 0] * 0.8 + 0.1 + side * 0.6
    scores = -((units[:, 0] - 0.4 - side * 0.6) ** 2) + 0.3 * generator.normal(size=12)
    moved = units.copy()
    moved[:, 0] += 0.5 - (units[:, 0].min() + units[:, 0].max()) / 2
    assert moved.min() > 0 and moved.max() < 1
    shift = (moved - units)[0]
    points = generator.random((5, 2)) + [side * 0.6, 0]
    one, other = fit(units, scores), fit(moved, scores)
    np.testing.assert_allclose(one.mean(points), other.mean(points + shift), rtol=1e-9)
    assert one.error(points[0]) == pytest.approx(other.error(points[0] + shift), rel=1e-6)
    # Diverged trials are no part of where good values are.
    lost = np.array([[2.0, 0.5], [-2.0, 0.5]])
    again = fit(np.concatenate([units, lost]), np.concatenate([scores, [-np.inf, np.nan]]))
    np.testing.assert_array_equal(again.mean(points), one.mean(points))


@pytest.mark.parametrize(
    ('units', 'middle'),
    [
        ([0.1, 0.3], 0.5),
        ([-0.02, 1.02], 0.5),
        ([-0.03, 0.5], 0.235),
        ([0.5, 1.1], 0.8),
        ([-1.0, 2.0], 0.5),
        ([-1.0, 0.0], -0.5),
    ],
)
def test_the_middle_is_that_of_the_range_or_of_the_trials_past_it(units, middle):
    assert middle_of(np.array(units)[None, :, None])[0] == pytest.approx([middle])
    both = middle_of(np.stack([units, [0.2, 0.4]], -1)[None])[0]
    assert both == pytest.approx([middle, 0.5]), 'each coordinate by itself'


def test_scores_that_are_all_the_same_have_a_scale_of_one():
    scores = np.array([[1.0, 3.0], [5.0, 5.0], [0.0, 0.0], [1e9, 1e9 + 1e-4]])
    assert scale_of(scores, scores.mean(1)).tolist() == [1.0, 1.0, 1.0, 1.0]
    assert scale_of(np.array([[1e-9, 3e-9]]), np.array([2e-9])) == pytest.approx([1e-9])


def test_four_finite_trials_have_a_surface_and_three_have_none():
    units = np.linspace(0, 1, 5)[:, None]
    scores = np.array([0.1, 0.5, np.nan, 0.6, 0.2])
    assert fit(units, scores) is not None and fit(units, np.where(units[:, 0] > 0.9, -np.inf, scores)) is None
    assert fits([]) == [] and [
        one is None for one in fits([(units, scores, None, None), (units[:2], scores[:2], None, None)])
    ] == [
        False,
        True,
    ]


def test_replicates_are_numbered_among_those_that_are_left():
    units, scores = np.zeros((4, 1)), np.array([1.0, np.nan, 2.0, 3.0])
    *_, smooth, groups = finite_ones(units, scores, None, np.array([7, 8, 9, 9]))
    assert groups.tolist() == [0, 1, 1] and smooth.tolist() == [True]
    assert finite_ones(units, scores, [False], np.array([7, 8, 7, 7]))[3] is None, 'one is left'
    assert finite_ones(units, np.full(4, np.nan), None, np.arange(4))[1].size == 0
    made = together([(units, scores), (units[:2], scores[:2])], [True])
    assert made[3].tolist() == [0, 0, 0, 0, 1, 1] and made[0].shape == (6, 1)


def test_of_many_trials_the_best_are_fitted():
    generator = np.random.default_rng(0)
    units = generator.random((MOST + 6, 1))
    scores = -((units[:, 0] - 0.4) ** 2)
    fitted = fit(units, scores)
    highest = np.sort(np.argsort(-scores, kind='stable')[:MOST])
    assert len(fitted.units) == MOST and (fitted.units == units[highest]).all()
    assert len(fit(units, scores, None, np.arange(MOST + 6) % 2).units) == MOST + 6, 'of several replicates four times as many'
    assert (most_fitted(1), most_fitted(2), most_fitted(9)) == (MOST, 4 * MOST, 4 * MOST)


@pytest.mark.parametrize('dims', [1, 2, 3])
def test_the_highest_point_of_a_box_is_found_inside_it(dims):
    generator = np.random.default_rng(dims)
    units = generator.random((40, dims))
    fitted = fit(units, -((units - 0.5) ** 2).sum(1))
    place, height = best(fitted, np.zeros(dims), np.ones(dims))
    assert place == pytest.approx([0.5] * dims, abs=0.08) and height == pytest.approx(
        float(fitted.mean(place[None])[0]), abs=1e-9
    )
    low, high = np.full(dims, 0.7), np.full(dims, 0.9)
    place, height = best(fitted, low, high)
    assert (place >= low - 1e-12).all() and (place <= high + 1e-12).all() and place[0] == pytest.approx(0.7, abs=0.03)
    assert bests([fitted, fitted], [np.zeros(dims), low], [np.ones(dims), high])[1][1] == pytest.approx(height)
    point, _ = best(fitted, low, low)
    assert point == pytest.approx(low), 'a box of one point'
