"""What the base of each simulated task reaches, that controls stay at chance, and what cannot be learned without a mixer."""

import pytest
from one_lane import train_one

from ablations.study import swap
from ablations.tasks import TASKS
from ablations.tasks.simulated_tasks import SIMULATED
from sweeps.training.preflight import task_of

# A little below what was measured; it stands beside the tasks.
LEVELS = {
    'balls_pixels': 3.1,
    'balls_symbols': 1.95,
    'doors_pixels': 3.3,
    'doors_symbols': 2.0,
    'balls_direction': 0.85,
    'doors_mode': 0.79,
    'doors_key': 0.94,
}
COMING = [name for name in SIMULATED if task_of(TASKS[name].data).NAME == 'next_observation']
NO_MIXER = (swap('mixer', 'identity'),)


@pytest.mark.slow
@pytest.mark.parametrize('name', SIMULATED)
def test_the_base_reaches_the_stated_level(name: str):
    task, score = TASKS[name], train_one(name)['curve']['score'][-1]
    assert task.sign * (score - LEVELS[name]) > 0, score
    kind = task_of(task.data)
    best = kind.least_bits() if name in COMING else kind.best_share()
    assert task.sign * (score - best) < 0.02, (score, best)


@pytest.mark.slow
@pytest.mark.parametrize('name', ['balls_symbols', 'doors_symbols'])
def test_where_nothing_is_linked_nothing_is_learned_but_the_marginal(name: str):
    data = {**TASKS[name].data, 'linked': False}
    score = train_one(name, data=data)['curve']['score'][-1]
    assert score == pytest.approx(task_of(data).marginal_bits(), abs=0.08)


@pytest.mark.slow
@pytest.mark.parametrize('name', ['balls_direction', 'doors_mode', 'doors_key'])
def test_a_hidden_variable_of_nothing_is_not_told(name: str):
    score = train_one(name, steps=400, data={**TASKS[name].data, 'linked': False})['curve']['score'][-1]
    assert score == pytest.approx(TASKS[name].chance, abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize('name', ['balls_symbols', 'doors_symbols'])
def test_who_sees_one_token_is_no_better_than_the_marginal(name: str):
    score = train_one(name, changes=NO_MIXER, steps=400)['curve']['score'][-1]
    assert score > task_of(TASKS[name].data).marginal_bits() - 0.1


@pytest.mark.slow
@pytest.mark.parametrize('name', ['balls_direction', 'doors_mode'])
def test_what_is_hidden_takes_more_than_one_token(name: str):
    assert train_one(name, changes=NO_MIXER, steps=400)['curve']['score'][-1] < TASKS[name].chance + 0.05


@pytest.mark.slow
@pytest.mark.parametrize('name', ['balls_symbols', 'doors_symbols'])
def test_what_is_further_ahead_costs_more_and_is_learned_too(name: str):
    scores = []
    for horizon in (1, 4):
        data = {**TASKS[name].data, 'horizon': horizon, 'asked': 'last'}
        scores.append(train_one(name, data=data)['curve']['score'][-1])
        assert task_of(data).least_bits() - 0.05 < scores[-1] < task_of(data).marginal_bits() - 1
    assert scores[0] + 0.5 < scores[1]
