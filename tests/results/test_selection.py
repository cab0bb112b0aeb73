"""Selection: known optima are found, fewer points degrade in the documented order, diverged runs never enter a fit."""

import itertools
import math

import numpy as np
import pytest

from ablations.spaces import choice, log
from results.selection import STEPS, better_half, select, surface
from sweeps.protocol.search.sobol import scrambled_sobol

OPTIMUM = np.array([0.45, 0.6])
SPACES = {
    'adamw': {'lr': log(1e-3, 1e-1), 'weight_decay': log(1e-3, 1.0)},
    'sgd': {'lr': log(1e-2, 1.0), 'weight_decay': log(1e-5, 1e-2)},
}


def grid(count: int, dims: int = 2) -> np.ndarray:
    side = math.ceil(count ** (1 / dims))
    places = (np.arange(side) + 0.5) / side
    return np.array(list(itertools.product(places, repeat=dims)))[:count]


def bowl(units: np.ndarray, optimum: np.ndarray = OPTIMUM, cross: float = 0.0) -> np.ndarray:
    away = units - optimum[: units.shape[1]]
    score = 0.9 - (away**2 * np.array([1.0, 0.5, 0.7])[: units.shape[1]]).sum(1)
    return score + (cross * away[:, 0] * away[:, 1] if cross else 0.0)


@pytest.mark.parametrize('cross', [0.0, 0.6, -0.6])
@pytest.mark.parametrize('optimum', [OPTIMUM, np.array([0.3, 0.3]), np.array([0.7, 0.75])], ids=str)
def test_the_optimum_of_a_bowl_is_selected(optimum, cross):
    units = grid(36)
    point, score, error, how = surface(units, bowl(units, optimum, cross))
    assert how == STEPS[0] == 'surface'
    assert point == pytest.approx(optimum, abs=0.06)
    assert score == pytest.approx(0.9, abs=0.01)
    assert 0 <= error < 0.03


@pytest.mark.parametrize('dims', [1, 3])
def test_one_and_three_tuned_values(dims):
    units = grid(27, dims)
    optimum = np.array([0.45, 0.6, 0.5])[:dims]
    point, score, _, how = surface(units, bowl(units, optimum))
    assert how == STEPS[0]
    assert point == pytest.approx(optimum, abs=0.06)
    assert score == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize(('noise', 'share'), [(0.02, 0.4), (0.05, 0.6), (0.2, 0.9)])
def test_noise_is_averaged_out(noise, share):
    """The surface loses less than the best trial does: that is what it is for. How much less depends on the noise."""
    fitted, best = [], []
    for seed in range(80):
        units = scrambled_sobol(16, 2, seed)
        noisy = bowl(units) + np.random.default_rng(seed).normal(0, noise, 16)
        point, *_ = surface(units, noisy)
        fitted.append(0.9 - bowl(point[None])[0])
        best.append(0.9 - bowl(units[noisy.argmax()][None])[0])
    assert np.mean(fitted) < share * np.mean(best)


def test_the_expected_score_is_hardly_too_good():
    """The best of sixteen noisy scores is too good by more than the noise of one; the surface's by much less."""
    gaps, errors = [], []
    for seed in range(80):
        units = scrambled_sobol(16, 2, seed)
        noisy = bowl(units) + np.random.default_rng(seed).normal(0, 0.1, 16)
        point, score, error, _ = surface(units, noisy)
        gaps.append(score - bowl(point[None])[0])
        errors.append(error)
    assert abs(np.mean(gaps)) < 0.04
    assert 0.5 < np.std(gaps) / np.mean(errors) < 1.5, 'the standard error is that of what is expected'


@pytest.mark.parametrize(('points', 'how'), [(16, STEPS[0]), (5, STEPS[0]), (4, STEPS[0]), (3, STEPS[1]), (1, STEPS[1])])
def test_fewer_than_four_trials_have_no_surface(points, how):
    units = np.random.default_rng(0).random((points, 2))
    point, score, error, used = surface(units, bowl(units))
    assert used == how
    assert math.isnan(error) == (how == STEPS[1])
    if how == STEPS[1]:
        assert (point == units[bowl(units).argmax()]).all()
        assert score == pytest.approx(np.sort(bowl(units))[::-1][: -(-points // 2)].mean())


def test_a_choice_is_selected_among_its_values():
    units = grid(48)
    units[:, 1] = (np.floor(units[:, 1] * 3) + 0.5) / 3
    scores = np.array([0.1, 0.0, 0.3])[np.floor(units[:, 1] * 3).astype(int)] - (units[:, 0] - 0.4) ** 2
    point, score, _, how = surface(units, scores, np.array([True, False]))
    assert how == STEPS[0]
    assert point == pytest.approx([0.4, 2.5 / 3], abs=0.06)
    assert point[1] in units[:, 1]
    assert score == pytest.approx(0.3, abs=0.02)
    selected = select({'adamw': (units, scores)}, {'adamw': {'lr': log(1e-3, 1e-1), 'b2': choice(0.9, 0.95, 0.99)}})
    assert dict(selected.knobs)['b2'] == 0.99


@pytest.mark.parametrize('optimum', [np.array([1.2, 0.5]), np.array([-0.2, 0.5]), np.array([0.5, 1.3])], ids=str)
def test_an_optimum_outside_the_data_is_not_extrapolated(optimum):
    units = grid(25)
    point, *_ = surface(units, bowl(units, optimum))
    assert ((point >= units.min(0)) & (point <= units.max(0))).all()
    outside = (optimum < 0) | (optimum > 1)
    nearest = np.clip(optimum, units.min(0), units.max(0))
    assert point[outside] == pytest.approx(nearest[outside], abs=0.1), 'it lies at the edge of what was tried'


def test_repeated_points_do_not_break_the_fit():
    units = np.tile(np.array([[0.5, 0.5]]), (16, 1))
    point, score, error, how = surface(units, np.linspace(0, 1, 16))
    assert how == STEPS[0]
    assert point.tolist() == [0.5, 0.5]
    assert score == pytest.approx(0.5, abs=0.05), 'the mean of what was seen there'
    assert error == pytest.approx(np.linspace(0, 1, 16).std(ddof=1) / 4, rel=0.3)


def test_the_best_of_noisy_scores_is_not_believed():
    """Without a surface the expected score is the mean of the better half's top three, not the luckiest one."""
    units, scores = grid(8), np.full(8, -np.inf)
    scores[[1, 3, 4]] = 0.9, 0.6, 0.6
    point, score, error, how = surface(units, scores)
    assert how == STEPS[1] == 'best trial'
    assert (point == units[1]).all()
    assert score == pytest.approx(0.7)
    assert math.isnan(error)


# Diverged runs.


@pytest.mark.parametrize('mark', [-math.inf, math.nan])
def test_diverged_runs_never_enter_the_fit(mark):
    units = np.random.default_rng(1).random((30, 2))
    scores = bowl(units)
    lost = units[:, 0] > 0.75
    scores[lost] = mark
    point, score, _, how = surface(units, scores)
    assert how == STEPS[0]
    assert point == pytest.approx(OPTIMUM, abs=0.06)
    assert score == pytest.approx(0.9, abs=0.01)
    # The box is that of the better half of the planned trials, which holds all that did not diverge.
    half = units[np.argsort(-np.where(lost, -np.inf, scores))[:15]]
    assert ((point >= half.min(0)) & (point <= half.max(0))).all()


@pytest.mark.parametrize('mark', [-math.inf, math.nan])
def test_diverged_runs_count_towards_the_half(mark):
    """An arm that loses half its runs keeps all others: they are the better half of what was planned."""
    scores = np.array([0.1, mark, 0.4, mark, 0.3, mark, 0.2, mark])
    assert better_half(scores, 8).tolist() == [2, 4, 6, 0]
    assert better_half(np.array([0.1, 0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8]), 8).tolist() == [7, 5, 3, 1]
    assert better_half(np.array([0.1, 0.5, 0.4]), 3).tolist() == [1, 2], 'of an odd number the larger half'
    assert better_half(np.array([mark, mark, 0.4, mark]), 4).tolist() == [2]
    assert better_half(np.array([mark] * 4), 4).tolist() == []


def test_the_optimum_lies_within_what_did_not_diverge():
    """Where the surface points past a cliff, the lab does not follow."""
    units = grid(49)
    scores = bowl(units, np.array([0.7, 0.5]))
    scores[units[:, 0] > 0.6] = -math.inf
    point, *_ = surface(units, scores)
    assert point[0] <= 0.6


def test_nothing_is_selected_where_all_diverged():
    with pytest.raises(ValueError, match='no trial has a finite score'):
        surface(grid(4), np.full(4, -np.inf))
    assert select({o: (grid(4), np.full(4, -np.inf)) for o in SPACES}, SPACES) is None


def test_one_run_left_is_selected():
    scores = np.full(16, -np.inf)
    scores[5] = 0.3
    selected = select({'adamw': (grid(16), scores)}, SPACES)
    assert (selected.how, selected.score) == (STEPS[1], 0.3)
    assert selected.unit == tuple(grid(16)[5])
    assert math.isnan(selected.error)


# Several optimizers.


def test_the_better_optimizer_is_selected_at_its_own_optimum():
    units = grid(36)
    other = np.array([0.7, 0.4])
    selected = select({'adamw': (units, bowl(units)), 'sgd': (units, bowl(units, other) + 0.05)}, SPACES)
    assert selected.optimizer == 'sgd'
    assert selected.unit == pytest.approx(other, abs=0.06)
    lr, decay = selected.unit
    assert dict(selected.knobs) == pytest.approx({'lr': 10 ** (-2 + 2 * lr), 'weight_decay': 10 ** (-5 + 3 * decay)}, rel=1e-4)
    assert selected.score == pytest.approx(0.95, abs=0.01)
    assert selected.how == STEPS[0]
    assert 0 <= selected.error < 0.03


def test_an_optimizer_that_always_diverges_is_passed_over():
    units = grid(25)
    selected = select({'adamw': (units, np.full(25, -np.inf)), 'sgd': (units, bowl(units) - 5)}, SPACES)
    assert selected.optimizer == 'sgd'


def test_selected_values_are_rounded_so_that_every_machine_agrees():
    generator = np.random.default_rng(2)
    units = generator.random((16, 2))
    selected = select({'adamw': (units, bowl(units) + generator.normal(0, 0.02, 16))}, SPACES)
    for value in (*selected.unit, *dict(selected.knobs).values()):
        assert value == float(f'{value:.6g}')


@pytest.mark.parametrize('points', [3, 6, 12, 16, 30])
def test_the_order_of_trials_does_not_matter(points):
    generator = np.random.default_rng(points)
    units = generator.random((points, 2))
    scores = bowl(units) + generator.normal(0, 0.05, points)
    scores[generator.random(points) < 0.2] = -np.inf
    first = select({'adamw': (units, scores)}, SPACES)
    for _ in range(5):
        order = generator.permutation(points)
        again = select({'adamw': (units[order], scores[order])}, SPACES)
        assert (again.how, again.optimizer) == (first.how, first.optimizer)
        assert again.unit == pytest.approx(first.unit, abs=1e-5)
        assert again.score == pytest.approx(first.score)


def test_a_cliff_beyond_a_plateau_is_not_walked_over():
    """The better half is flat and knows nothing of the cliff past it: its optimum counts only among the fitted points."""
    lr = np.linspace(0, 1, 16)
    scores = np.where(lr < 0.55, 0.95 + 0.02 * lr, np.where(lr < 0.8, 0.94, 0.1))
    for seed in range(20):
        chance = np.random.default_rng(seed)
        units = np.stack([lr, chance.random(16)], 1)
        noisy = scores + 0.01 * chance.normal(size=16)
        point, *_ = surface(units, noisy)
        half = units[np.argsort(-noisy)[:8]]
        assert half[:, 0].min() - 1e-9 <= point[0] <= half[:, 0].max() + 1e-9


def test_selected_values_stand_in_the_order_of_their_names_and_each_is_read_by_its_own_range():
    space = {'weight_decay': log(1e-3, 1.0), 'lr': log(1e-5, 1e-4), 'b2': log(0.5, 0.9)}
    units = np.random.default_rng(0).random((3, 3))
    selected = select({'adamw': (units, np.array([0.1, 0.9, 0.2]))}, {'adamw': space})
    assert [name for name, _ in selected.knobs] == ['b2', 'lr', 'weight_decay'] and selected.unit == pytest.approx(
        units[1], abs=1e-6
    )
    assert dict(selected.knobs) == {
        name: values.value(unit) for (name, values), unit in zip(space.items(), selected.unit, strict=True)
    }
