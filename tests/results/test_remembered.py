"""Remembered: each result is worked out once, by all that it depends on."""

import numpy as np
import pytest

from results import remembered as module
from results.remembered import remembered

UNITS, SCORES = np.array([[0.1], [0.9]]), np.array([0.5, 0.7])


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, 'KNOWN', {})


def test_only_what_is_new_is_worked_out_and_results_come_in_the_order_asked():
    asked = []

    def work(places: list[int]) -> list[list]:
        asked.append(places)
        return [[float(place)] for place in places]

    other = UNITS + 1, SCORES, 0
    first = UNITS, SCORES, 0
    assert remembered('a', [first], work) == [[0.0]]
    (made, known, same) = remembered('a', [other, first, other], work)
    assert known == [0.0] and made == same and list(map(len, asked)) == [1, 1], 'each is worked out once'
    assert remembered('a', [first, other], work) == [[0.0], made] and len(asked) == 2
    assert remembered('a', [], work) == [] and len(asked) == 2, 'nothing is asked for nothing'


@pytest.mark.parametrize(
    ('what', 'trials'),
    [
        ('b', (UNITS, SCORES, 0)),
        ('a', (UNITS[::-1], SCORES, 0)),
        ('a', (UNITS, SCORES + 1e-12, 0)),
        ('a', (UNITS, SCORES, 1)),
        ('a', (UNITS.T, SCORES, 0)),
    ],
)
def test_another_function_trial_or_condition_is_another_result(what, trials):
    remembered('a', [(UNITS, SCORES, 0)], lambda places: [[1.0]])
    assert remembered(what, [trials], lambda places: [[2.0]]) == [[2.0]]
    assert remembered('a', [(UNITS.copy(order='F'), list(SCORES), 0)], lambda places: [[3.0]]) == [[1.0]]


def test_the_oldest_results_go(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, 'MOST_KNOWN', 3)
    for number in range(5):
        assert remembered('a', [(UNITS, SCORES, number)], lambda places, number=number: [[number]]) == [[number]]
    assert [made for (made,) in module.KNOWN.values()] == [2, 3, 4]
    many = [(UNITS, SCORES, number) for number in range(5)]
    assert remembered('a', many, lambda places: [[place] for place in places]) == [[0], [1], [2], [3], [4]]
