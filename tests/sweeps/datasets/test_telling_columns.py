"""Columns that tell the answer alone, or number the rows: named when a set is prepared, by the plan and by verify."""

import json
from pathlib import Path

import made_sets as made
import numpy as np
import pytest
from own_sources import prepared

from ablations.prepared_facts import giveaways_of
from sweeps.datasets.show import lines
from sweeps.datasets.sources.column_targets import Targets, targets_of
from sweeps.datasets.sources.telling_columns import telling_columns

N = 400
DRAW = np.random.default_rng(5)
NOISE = DRAW.normal(size=N)
CLASS = DRAW.integers(0, 3, N)
VALUE = DRAW.normal(size=N) * 7 + 100
RARE, FEW = ((np.arange(N) < count).astype(int) for count in (12, 8))
GOOD = np.where(DRAW.random(N) < 0.9, CLASS, DRAW.integers(0, 3, N))


def words(values: np.ndarray) -> list[str | None]:
    return [None if value != value else str(value) for value in values.tolist()]


def told(column: list, y: np.ndarray, predict: str) -> list[str]:
    asked = targets_of({'y': words(y)}, predict, N)
    return telling_columns({'column': column, 'noise': words(NOISE)}, asked, np.arange(N))


@pytest.mark.parametrize(
    ('column', 'y', 'predict', 'said'),
    [
        (words(CLASS), CLASS, 'class', 'class of 100.0%'),
        ([f'code {(one + 5) ** 3}' for one in CLASS], CLASS, 'class', 'class of 100.0%'),
        (words(CLASS * 10 + DRAW.random(N)), CLASS, 'class', 'class of'),
        ([None if one == 2 else str(one) for one in CLASS], CLASS, 'class', 'class of 100.0%'),
        (words(RARE), RARE, 'class', 'class of 100.0% of the rows (the commonest: 97.0%)'),
        (words(FEW), FEW, 'class', ''),
        (words(GOOD), CLASS, 'class', ''),
        (words(DRAW.normal(size=N)), CLASS, 'class', ''),
        (words(VALUE * 1.8 + 32), VALUE, 'values', "variance of 'y'"),
        (words(np.round(-VALUE)), VALUE, 'values', "variance of 'y'"),
        (words(VALUE + DRAW.normal(size=N) * 3), VALUE, 'values', ''),
        (words(CLASS % 2 * 3.5), CLASS % 2, 'labels', "'y' of 100.0%"),
        ([None] * N, CLASS, 'class', ''),
    ],
)
def test_a_column_is_named_where_it_alone_tells_the_answer(column: list, y: np.ndarray, predict: str, said: str):
    said_here = told(column, y, predict)
    assert len(said_here) == bool(said) and said in ''.join(said_here)
    assert not said or said_here[0].startswith("column 'column' alone tells ")


@pytest.mark.parametrize(
    ('column', 'numbers'),
    [
        (np.arange(N) + 1, True),
        (np.random.default_rng(1).permutation(N) + 1000, True),
        (np.cumsum(DRAW.integers(1, 99, N)), True),
        (np.arange(N) / 2, False),
        (np.arange(N) // 2, False),
        (DRAW.integers(0, 10**6, N), False),
    ],
)
def test_a_column_that_numbers_the_rows_is_named(column: np.ndarray, numbers: bool):
    assert any('number of the row' in one for one in told(words(column), CLASS, 'class')) == numbers


def test_the_only_column_of_a_table_is_its_question_and_many_are_counted():
    asked = Targets('class', CLASS, ['0', '1', '2'], np.ones(N, bool))
    assert telling_columns({'x': words(CLASS)}, asked, np.arange(N)) == []
    said = telling_columns({f'x{n}': words(CLASS) for n in range(9)}, asked, np.arange(N))
    assert len(said) == 7 and said[-1] == 'and 3 more columns tell it alone'


def test_only_rows_of_the_pool_are_asked():
    asked = Targets('class', CLASS, ['0', '1', '2'], np.ones(N, bool))
    half = np.where(np.arange(N) < 200, CLASS, 0)
    columns = {'x': words(half), 'noise': words(NOISE)}
    assert telling_columns(columns, asked, np.arange(200)) and not telling_columns(columns, asked, np.arange(N))


def test_it_is_told_when_the_set_is_prepared_and_stays_in_it(tmp_path: Path, monkeypatch):
    rows = [['n', 'age', 'code', 'risk'], *([n, n * 7 % 50, f'k{n % 2}', 'hl'[n % 2]] for n in range(120))]
    one = prepared(tmp_path, 'csv', made.table(tmp_path / 'r.csv', rows), target=('risk',))
    said = [line for line in lines({'where': '', **one.about}) if line.startswith('giveaway')]
    assert ["'code' alone tells the class" in said[0], "'n' has another whole number" in said[1]] == [True, True]
    monkeypatch.setenv('ARCHLAB_DATA', str(tmp_path))
    assert giveaways_of({'kind': 'supervised', 'dataset': 'mine'}) == {'mine': one.about['giveaways']}
    about = json.loads((one.folder / 'about.json').read_text())
    assert about['giveaways'] == one.about['giveaways']
    (one.folder / 'about.json').write_text(json.dumps({**about, 'giveaways': 'all of it'}))
    assert giveaways_of([{'dataset': 'mine'}, {'dataset': 'no_such_set'}]) == {}
