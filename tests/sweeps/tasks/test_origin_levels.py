"""What the bases of the origin tasks reach in their budget; controls at chance, a planted leak that is found."""

import dataclasses
from collections.abc import Callable

import pytest
from one_lane import train_one

from ablations.tasks import TASKS
from sweeps.tasks.made.writers import ceiling

LEVELS = {'collections': 0.70, 'packages': 0.60, 'packages_first_words': 0.38, 'writers': 0.63, 'writers_shuffled_words': 0.38}
"""Task -> a level that is reached, beside what was measured with one seed."""


@pytest.mark.slow
@pytest.mark.parametrize('name', LEVELS)
def test_a_base_reaches_its_level(name: str):
    record = train_one(name, lr=1e-2, weight_decay=0.05)
    assert record['status'] == 'ok' and record['score'] > LEVELS[name] > TASKS[name].chance + 0.2


@pytest.mark.slow
@pytest.mark.parametrize('name', ['collection_halves', 'package_halves', 'writer_halves'])
def test_of_random_halves_nothing_is_learned(name: str):
    record = train_one(name, lr=1e-2, weight_decay=0.05)
    assert abs(record['score'] - 0.5) < 4 * record['score_se']


@pytest.mark.slow
@pytest.mark.parametrize('name', ['collections', 'writers'])
def test_a_leak_is_found(name: str):
    task = TASKS[name]
    record = train_one(dataclasses.replace(task, data={**task.data, 'control': 'leak'}), lr=1e-2, weight_decay=0.05)
    assert record['score'] > 0.97


@pytest.mark.slow
def test_without_marks_no_writer_is_told_better_than_its_other_habits_allow():
    record = train_one('writers_without_marks', lr=1e-2, weight_decay=0.05)
    assert ceiling(('marks',)) - 0.06 < record['score'] < ceiling(('marks',)) + 4 * record['score_se']


@pytest.mark.slow
@pytest.mark.parametrize(
    ('name', 'level'), [('eight_models', 0.55), ('eight_models_shuffled_words', 0.42), ('eight_models_first_words', 0.36)]
)
def test_real_models_are_told_by_their_ngrams(name: str, level: float, shared: Callable[[str], None]):
    shared('eight_models')
    record = train_one(name, lr=3e-3, weight_decay=1.0)
    assert record['status'] == 'ok' and record['score'] > level


@pytest.mark.slow
def test_of_halves_of_real_answers_nothing_is_learned(shared: Callable[[str], None]):
    shared('eight_models')
    record = train_one('eight_model_halves', lr=3e-3, weight_decay=1.0)
    assert abs(record['score'] - 0.5) < 4 * record['score_se']


@pytest.mark.slow
def test_a_leak_into_real_answers_is_found(shared: Callable[[str], None]):
    shared('eight_models')
    task = TASKS['eight_models']
    record = train_one(dataclasses.replace(task, data={**task.data, 'control': 'leak'}), lr=3e-3, weight_decay=1.0)
    assert record['score'] > 0.97
