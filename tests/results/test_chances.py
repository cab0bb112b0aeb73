"""Chances of the settings of a surface: what is rare is left out, and of tied trials the first are fitted."""

import numpy as np
import pytest

from results.surface import FIRST, MOST, OTHERS, RARE, chances_of, fit


@pytest.mark.parametrize(('share', 'stays'), [(RARE * 0.9, False), (RARE * 1.1, True), (0.2, True)])
def test_lengths_of_a_rare_chance_are_left_out_and_the_others_add_up_to_one(share, stays):
    shape = (2, len(FIRST), len(OTHERS), 4)
    volume = np.zeros(shape)
    # Of nine sets of lengths one has so small a share of the whole.
    volume[:, 1, 2] = -2 * np.log(share / (1 - share) * (len(FIRST) * len(OTHERS) - 1))
    made = chances_of(volume, np.ones((*shape[:3], 3, 4)), count=9)
    assert made.shape == (*shape[:3], 3, 4) and made.sum((1, 2, 3, 4)) == pytest.approx([1, 1])
    assert made[:, 1, 2].sum((1, 2)) == pytest.approx([share if stays else 0.0] * 2)
    others = (1 - share if stays else 1.0) / (len(FIRST) * len(OTHERS) - 1)
    assert made[:, 0].sum((2, 3)) == pytest.approx(np.full((2, len(OTHERS)), others))


def test_a_misfit_costs_as_the_number_of_trials_says():
    misfit = np.ones((1, 1, 1, 2, 1))
    misfit[..., 1, :] = 2.0
    made = chances_of(np.zeros((1, 1, 1, 1)), misfit, count=5).ravel()
    assert made[0] / made[1] == pytest.approx(2**3)


def test_of_tied_trials_the_first_are_fitted():
    units = np.random.default_rng(0).random((MOST + 30, 2))
    assert (fit(units, np.full(MOST + 30, 0.5)).units == units[:MOST]).all()
    scores = np.where(np.arange(MOST + 30) % 3 == 1, 0.7, 0.5)
    wanted = np.sort(np.argsort(-scores, kind='stable')[:MOST])
    assert (fit(units, scores).units == units[wanted]).all()
