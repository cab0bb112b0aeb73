"""The rule by which one number tells an answer: what it says to the last digit, and where it says nothing."""

import numpy as np
import pytest

from sweeps.datasets.telling import codes_of, numbers_rows, telling

DRAW = np.random.default_rng(5)
N = 240
CLASS = DRAW.integers(0, 3, N)
OF_CLASS = CLASS * 10.0
OF_CLASS[:6], OF_CLASS[6:9] = 7, np.nan
LABELS = np.column_stack([CLASS == 1, CLASS == 0, CLASS > 0]).astype(np.float32)
LABELS[::7, 0], LABELS[:5, 1] = np.nan, 1
HEAT = DRAW.random(N)
VALUES = np.column_stack([3 * HEAT + DRAW.normal(size=N) * 0.05, HEAT + DRAW.normal(size=N) * 0.2, -HEAT]).astype(np.float32)
VALUES[::5, 2] = np.nan


@pytest.mark.parametrize(
    ('codes', 'form', 'y', 'left', 'said'),
    [
        (CLASS % 3 * 5.0, 'class', CLASS, None, ['the class of 100.0% of the rows (the commonest: 34.6%)']),
        (
            np.where(CLASS == 2, np.nan, 1.0),
            'class',
            CLASS // 2,
            None,
            ['the class of 100.0% of the rows (the commonest: 66.2%)'],
        ),
        (OF_CLASS, 'class', CLASS, None, []),
        (OF_CLASS, 'class', CLASS, 0.5, ['the class of 95.8% of the rows (the commonest: 34.6%)']),
        (
            *(OF_CLASS, 'labels', LABELS, None),
            ["'a' of 99.0% of the rows (the commoner: 68.8%)", "'c' of 98.3% of the rows (the commoner: 65.4%)"],
        ),
        (OF_CLASS, 'labels', LABELS, 0.0, []),
        (HEAT.round(2), 'values', VALUES, None, ["99.4% of the variance of 'a'", "99.9% of the variance of 'c'"]),
        (HEAT.round(2), 'values', VALUES, 0.003, ["99.9% of the variance of 'c'"]),
        (np.where(HEAT > 0.8, np.nan, HEAT), 'values', (HEAT > 0.8)[:, None] * 3.0, None, ["100.0% of the variance of 'a'"]),
    ],
)
def test_what_a_number_tells(codes: np.ndarray, form: str, y: np.ndarray, left: float | None, said: list[str]):
    assert telling(codes, form, y, ['a', 'b', 'c'][: y.T.shape[0]], 'rows', left) == said


@pytest.mark.parametrize(
    ('counts', 'told'),
    [
        ((80, 10), True),
        ((80, 9), False),
        ((40, 40), True),
        ((40, 39), False),
        ((90,), False),
        ((0, 90), False),
        ((30, 30, 30), True),
    ],
    ids=str,
)
def test_of_few_examples_of_a_class_nothing_is_told(counts: tuple[int, ...], told: bool):
    y = np.repeat(np.arange(len(counts)), counts)
    assert bool(telling(y * 1.0, 'class', y, [], 'rows')) is told


@pytest.mark.parametrize(
    ('numbers', 'told'),
    [
        (range(40), True),
        (range(39), False),
        (range(39, -1, -1), True),
        (range(78, -1, -2), True),
        ([79, *range(38, -1, -1)], True),
        ([80, *range(38, -1, -1)], False),
        ([*range(39), 900], True),
        ([*range(39), 38], False),
        ([*range(39), 38.5], False),
        ([*range(39), np.nan], False),
    ],
    ids=['rising', 'few', 'falling', 'with gaps', 'nearly too wide', 'too wide', 'rising far', 'twice', 'no whole', 'missing'],
)
def test_a_number_of_the_row_is_another_whole_number_in_each(numbers: list[float], told: bool):
    assert numbers_rows(np.array(numbers, np.float64)) is told


def test_categories_are_numbered_as_they_come():
    assert codes_of(['b', 'a', 'b', None]).tolist() == [0, 1, 0, 2]
