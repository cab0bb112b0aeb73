"""Searches that follow scores: what a sampler of Optuna is told, and what becomes of what it gives."""

import importlib.util
import sys
import types

import numpy as np
import optuna
import pytest

from ablations.spaces import choice, integer, log
from sweeps.protocol.search.adaptive import DECIMALS, STARTUP, Gp, Tpe, _followed
from sweeps.protocol.search.sobol import scrambled_sobol

SPACE = {'lr': log(1e-4, 1e-1), 'b2': choice(0.9, 0.99, 0.999), 'depth': integer(1, 4)}


class Fixed(optuna.samplers.BaseSampler):
    """Gives the same values again and again, and writes down what it was told."""

    def __init__(self, *values: float):
        self.values, self.told = values, []

    def infer_relative_search_space(self, study, trial):
        return {}

    def sample_relative(self, study, trial, search_space):
        return {}

    def sample_independent(self, study, trial, param_name, param_distribution):
        done = optuna.trial.TrialState.COMPLETE
        self.told = [(one.params, one.value) for one in study.get_trials(deepcopy=False) if one.state == done]
        return self.values[int(param_name)]


def test_a_sampler_is_told_units_and_places_and_the_worst_score_for_a_run_that_diverged():
    units = np.array([[0.25, 0.4, 0.9], [0.5, 0.999, 0.1], [1.0, 1.0, 0.0]])
    sampler = Fixed(0.123456, 2, 0.5)
    points = _followed(sampler, SPACE, (units, np.array([0.5, -np.inf, 0.75])), 2)
    assert sampler.told == [
        ({'0': 0.25, '1': 1, '2': 0.9}, 0.5),
        ({'0': 0.5, '1': 2, '2': 0.1}, 0.5),
        ({'0': 1.0, '1': 2, '2': 0.0}, 0.75),
    ]
    # Of a choice the middle of its strip; of the others what tuning can resolve.
    assert points == pytest.approx(np.array([[0.1235, 2.5 / 3, 0.5]] * 2), abs=1e-12)


@pytest.mark.parametrize(('given', 'point'), [(1.0, 1 - 10.0**-DECIMALS), (0.0, 0.0), (0.99996, 1 - 10.0**-DECIMALS)])
def test_points_lie_below_the_end_of_a_range(given: float, point: float):
    seen = np.array([[0.5]]), np.array([1.0])
    assert _followed(Fixed(given), {'lr': SPACE['lr']}, seen, 1).tolist() == [[pytest.approx(point, abs=1e-12)]]


@pytest.fixture
def samplers(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """The settings of the samplers that are made, of which none looks at scores; torch is a stand-in."""
    made, find_spec = [], importlib.util.find_spec

    def sampler(**settings: object) -> optuna.samplers.RandomSampler:
        made.append(settings)
        return optuna.samplers.RandomSampler(settings['seed'])

    for name in ('TPESampler', 'GPSampler'):
        monkeypatch.setattr(optuna.samplers, name, sampler)
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name, *rest: name == 'torch' or find_spec(name, *rest))
    told = types.SimpleNamespace(get_num_threads=lambda: 1, set_num_threads=lambda count: None)
    monkeypatch.setitem(sys.modules, 'torch', told)
    return made


@pytest.mark.parametrize('kind', [Tpe, Gp])
def test_the_first_points_are_spread_and_each_later_batch_has_a_seed_of_its_own(samplers: list[dict], kind: type):
    one = {'lr': SPACE['lr'], 'wd': SPACE['lr']}
    nothing, some = (np.empty((0, 2)), np.empty(0)), (np.full((3, 2), 0.5), np.arange(3.0))
    spread = scrambled_sobol(2 * STARTUP, 2, 7)
    assert (kind.points(one, nothing, 2 * STARTUP, 0, 7) == spread).all(), 'without scores all of them'
    assert (kind.points(one, some, STARTUP - 2, 2, 7) == spread[2:STARTUP]).all() and samplers == []
    points = kind.points(one, some, 4, STARTUP - 1, 7)
    assert (points[0] == spread[STARTUP - 1]).all() and not (points[1:] == spread[STARTUP : STARTUP + 3]).any()
    kind.points(one, some, 2, STARTUP, 7)
    kind.points(one, some, 2, STARTUP, 8)
    assert len({settings['seed'] for settings in samplers}) == 3
    assert all(settings['n_startup_trials'] == 0 for settings in samplers), 'those are spread already'
    if kind is Tpe:
        assert all(settings['multivariate'] and settings['constant_liar'] for settings in samplers)
