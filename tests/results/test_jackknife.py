"""Jackknife: surfaces without one replicate against those that are fitted to the same trials."""

import numpy as np
import pytest

from results import jackknife, rate_profile, surface
from results.jackknife import without_each
from results.surface import MOST, fit, fits, together


def replicates(counts: tuple, seed: int, reach: float = 1.0, choice: bool = False) -> list[tuple[np.ndarray, np.ndarray]]:
    """Noisy bowls at heights of their own; every seventh trial diverged."""
    draw, made = np.random.default_rng(seed), []
    for number, count in enumerate(counts):
        units = draw.random((count, 2)) * reach
        if choice:
            units[:, 1] = np.round(2 * units[:, 1])
        scores = number - 3 * ((units - 0.6) ** 2).sum(1) + draw.normal(0, 0.05, count)
        scores[::7] = -np.inf
        made.append((units, scores))
    return made


@pytest.mark.parametrize(
    'counts, reach, choice',
    [((12, 9, 15), 1.0, False), ((12, 12), 1.0, False), ((14, 10, 12, 9), 1.4, False), ((12, 9, 15), 1.4, True)],
)
def test_a_surface_without_a_replicate_is_the_one_fitted_to_the_others(counts, reach, choice):
    smooth, parts = [True, not choice], replicates(counts, seed=len(counts), reach=reach, choice=choice)
    trials = together(parts, smooth)
    made = without_each(trials, fit(*trials))
    fitted = fits([together([*parts[:place], *parts[place + 1 :]], smooth) for place in range(len(parts))])
    points = np.random.default_rng(0).random((9, 2)) * reach
    for own, known in zip(made, fitted, strict=True):
        assert own.mean(points) == pytest.approx(known.mean(points), rel=1e-9)
        assert (own.noise, own.fall) == pytest.approx((known.noise, known.fall), rel=1e-9)
        assert own.middle == pytest.approx(known.middle) and own.groups == known.groups


def test_too_few_trials_have_no_surface_and_too_many_are_fitted():
    parts = replicates((3, 12), seed=3)
    trials = together(parts, [True, True])
    assert [one is None for one in without_each(trials, fit(*trials))] == [False, True]
    trials = together(replicates((MOST, MOST + 20), seed=4), [True, True])
    made = without_each(trials, fit(*trials))
    assert made[0].error(np.array([0.5, 0.5])) > 0


def test_a_profile_of_many_replicates_factors_one_covariance(monkeypatch):
    factored = []

    def counted(asked):
        factored.append(len(asked))
        return fits(asked)

    monkeypatch.setattr(surface, 'fits', counted)
    monkeypatch.setattr(jackknife, 'fits', counted)
    seen = rate_profile.profile(replicates((8, 8, 8, 8, 8, 8), seed=5), [True, True], count=9)
    assert factored == [1] and seen.replicates == 6 and (seen.errors > 0).any()


def test_a_replicate_whose_runs_all_diverged_changes_no_other():
    parts = replicates((9, 9, 9), seed=6)
    lost = (parts[0][0], np.full(9, -np.inf))
    seen, without = (rate_profile.profile(some, [True, True], count=9) for some in ([*parts, lost], parts))
    assert seen.scores == pytest.approx(without.scores) and seen.replicates == 4
