"""Optimum: where candidates lie, and which of tied points is taken."""

import numpy as np
import pytest

from results.optimum import TICKS, _axes, _filling, _places, best, candidates, with_choices
from results.surface import fit


@pytest.mark.parametrize('dims', [3, 4, 6])
def test_points_of_many_dimensions_follow_the_root_of_the_generalised_golden_ratio(dims: int):
    points = _filling(dims)
    (root,) = (value.real for value in np.roots([1, *[0] * (dims - 1), -1, -1]) if abs(value.imag) < 1e-9 and value.real > 1)
    assert points.shape == (1024, dims)
    for number in (1, 2, 1024):
        away = points[number - 1] - (0.5 + number * root ** -np.arange(1.0, dims + 1))
        assert away == pytest.approx(np.round(away), abs=1e-9)
    assert candidates(np.full(dims, 2.0), np.full(dims, 4.0)) == pytest.approx(2 + 2 * points)


@pytest.mark.parametrize('dims', [1, 2])
def test_points_of_few_dimensions_are_a_grid_with_its_corners(dims: int):
    low, high = np.array([-1.0, 0.25])[:dims], np.array([1.0, 0.75])[:dims]
    points = candidates(low, high)
    assert points.shape == (TICKS**dims, dims) and (points[0] == low).all() and (points[-1] == high).all()
    assert len(np.unique(points[:, 0])) == TICKS


def test_even_steps_end_where_their_box_does():
    low, high = np.array([0.1, -3.0]), np.array([0.7, 5.0])
    axes = _axes(low, high)
    assert (axes[:, 0] == low).all() and (axes[:, -1] == high).all()
    assert axes == pytest.approx(np.linspace(low, high, TICKS).T)


def test_of_points_that_are_tied_but_for_rounding_the_first_is_taken():
    """Told apart are heights that differ by a billionth of the spread, in any unit."""
    for unit in (1e-30, 1.0, 1e30):
        for gap, place in ((4e-10, 0), (6e-10, 1)):
            assert _places(unit * np.array([[1.0, 1.0 + gap, 0.0]])).tolist() == [place]
    assert _places(np.array([[3.0, 3.0], [1.0, 2.0]])).tolist() == [0, 1]


def test_choices_are_taken_at_each_value_that_was_tried():
    units = np.array([[0.0, 0.25], [0.3, 0.75], [0.6, 0.25], [1.0, 0.75], [0.5, 0.5]])
    fitted = fit(units, -((units[:, 0] - 0.4) ** 2) + units[:, 1], np.array([True, False]))
    points = with_choices(fitted, np.array([[0.1, 0.9], [0.2, 0.9], [0.1, 0.3]]))
    assert points.tolist() == [[x, kind] for x in (0.1, 0.2) for kind in (0.25, 0.5, 0.75)]
    assert with_choices(fit(units, units[:, 0]), points).tolist() == points.tolist()


def test_of_three_values_a_choice_stays_as_it_was_tried_and_the_others_are_searched_nearby():
    generator = np.random.default_rng(0)
    units = np.column_stack([generator.random((40, 2)), np.tile([0.25, 0.75], 20)])
    scores = -((units[:, :2] - [0.3, 0.6]) ** 2).sum(1) + (units[:, 2] > 0.5)
    fitted = fit(units, scores, np.array([True, True, False]))
    low, high = units.min(0), units.max(0)
    point, height = best(fitted, low, high)
    assert point[2] == 0.75 and point[:2] == pytest.approx([0.3, 0.6], abs=0.06)
    coarse = with_choices(fitted, candidates(low, high))
    assert height >= fitted.mean(coarse).max() and height == pytest.approx(float(fitted.mean(point[None])[0]))
    nearest = np.abs((coarse - point)[fitted.mean(coarse).argmax()])
    assert (nearest <= (high - low) / (TICKS - 1) + 1e-12).all() and nearest[2] == 0
