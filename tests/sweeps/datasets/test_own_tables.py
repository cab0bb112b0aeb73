"""Tables of a user's own: which rows and columns are read, what their values are taken for, and what is told of them."""

import csv
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import made_sets as made
import numpy as np
import pytest
from own_sources import PATHS, ROWS, listed, prepared, written

from sweeps.datasets.formats.columns import read_table
from sweeps.datasets.own import options_of, prepare_own
from sweeps.datasets.sources.column_numbers import check_categories, odd_numbers
from sweeps.datasets.sources.column_targets import targets_of


def test_what_is_missing_of_a_number_is_the_mean_of_the_pool_and_told(tmp_path: Path):
    one = prepared(
        tmp_path, 'csv', made.rows(tmp_path / 'r.csv'), inputs=('weight', 'age'), target=('risk',), split='column:fold'
    )
    pool, test = np.asarray(one.pool().x), np.asarray(one.test().x)
    gaps = pool[:, 1] == 1
    assert gaps.any() and np.allclose(pool[gaps, 0], pool[~gaps, 0].mean(), rtol=1e-5)
    assert np.allclose(test[test[:, 1] == 1, 0], pool[~gaps, 0].mean(), rtol=1e-5)
    assert 'columns that are not used: id, city, site' in ' '.join(one.about['notes'])


def test_columns_of_one_value_and_numbers_in_the_place_of_none_are_told(tmp_path: Path):
    lines = [
        'same,age,step,quarter,risk',
        *(f'5,{-999 if n % 9 == 0 else n % 30},{n % 3 - 1},Q{n % 4},{"hl"[n % 7 % 2]}' for n in range(90)),
    ]
    one = prepared(tmp_path, 'csv', written(tmp_path / 'a.csv', '\n'.join(lines)), target=('risk',))
    told = [note for note in one.about['notes'] if note.startswith("column '")]
    assert told == [
        "column 'same' is '5' in every row: no model learns anything from it",
        "column 'age' is -999 in 10 of 90 rows and from 0 to 29 in all others: if that says that none is there, leave it empty",
    ]


def test_only_the_columns_that_are_named_are_read(tmp_path: Path):
    lines = [json.dumps({'a': n / 7, 'b': 'xy'[n % 2], 'more': [n]}) for n in range(60)]
    one = prepared(tmp_path, 'json_lines', written(tmp_path / 'a.jsonl', '\n'.join(lines)), inputs=('a',), target=('b',))
    assert one.about['shape'] == [1] and 'columns that are not used: more' in one.about['notes']


def test_rows_for_testing_without_a_target_are_left_aside_and_counted(tmp_path: Path):
    folder = tmp_path / 'set'
    folder.mkdir()
    written(folder / 'train.csv', f'a,b,g\n{ROWS}\n')
    written(folder / 'test.csv', 'a,g\n1,2\n3,4\n')
    one = prepared(tmp_path, 'csv', folder, inputs=('a',), target=('b',))
    assert sum(one.about['sizes'].values()) == 30
    assert '2 rows for testing have no target: they are left aside' in one.about['notes']
    assert one.about['test_split'] == '0.1 of the rows, by hash of content'


def test_targets_for_testing_that_are_all_minus_one_are_withheld(tmp_path: Path):
    folder = tmp_path / 'set'
    folder.mkdir()
    written(folder / 'train.csv', 'a,b\n' + '\n'.join(f'{n / 7},{n % 2}' for n in range(60)))
    written(folder / 'test.csv', 'a,b\n' + '\n'.join(f'{n / 9},-1' for n in range(10)))
    one = prepared(tmp_path, 'csv', folder, inputs=('a',), target=('b',))
    assert one.about['classes'] == ['0', '1'] and sum(one.about['sizes'].values()) == 60
    assert '10 rows for testing have no target: they are left aside' in one.about['notes']


def test_classes_keep_their_whole_numbers_and_those_alike_are_told(tmp_path: Path):
    lines = '\n'.join(f'{n / 7},{12345670 + n % 2}' for n in range(60))
    one = prepared(tmp_path, 'csv', written(tmp_path / 'a.csv', f'a,b\n{lines}'), inputs=('a',), target=('b',), predict='class')
    assert one.about['classes'] == ['12345670', '12345671']
    targets = targets_of({'b': ['Yes', 'yes', 'no'] * 4}, None, 12)
    assert targets.said == "classes ['Yes', 'yes'] of 'b' differ in capitals alone" and len(targets.names) == 3


def test_very_large_numbers_are_values():
    assert targets_of({'b': [1e30 * n for n in range(1, 9)]}, None, 8).form == 'values'


def test_damaged_rows_are_left_out_where_that_is_said_and_counted(tmp_path: Path):
    path = written(tmp_path / 'a.csv', f'a,b,g\n{ROWS}\n1,,g0\n2,?,g1\n')
    one = prepared(tmp_path, 'csv', path, inputs=('a',), target=('b',), skip_damaged=True)
    assert sum(one.about['sizes'].values()) == 30 and '2 damaged examples were left out' in ' '.join(one.about['notes'])


def test_parquet_is_read_as_csv_is(tmp_path: Path):
    import pyarrow
    from pyarrow import parquet

    columns = {
        'a': [n / 7 for n in range(60)],
        'b': [n % 2 for n in range(60)],
        'c': [None if n % 3 else 'x' for n in range(60)],
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / 'a.parquet')
    written(tmp_path / 'a.jsonl', '\n'.join(json.dumps({key: own[n] for key, own in columns.items()}) for n in range(60)))
    ones = [
        prepare_own(reader, tmp_path / f'a.{ending}', ending, options_of(reader, {'target': ('b',)}), tmp_path)[0]
        for reader, ending in (('parquet', 'parquet'), ('json_lines', 'jsonl'))
    ]
    assert ones[0].about['digest'] == ones[1].about['digest'] and ones[0].about['features'] == ['a', 'c = x']


@pytest.mark.parametrize(
    ('numbers', 'form'),
    [
        ((0, 1, 2), 'class'),
        ((1, 2, 3), 'class'),
        ((0.5, 1, 2), 'values'),
        ((0, 2, 3), None),
        ((2, 3, 4), None),
        (range(25), None),
        ((-1, 0, 1), None),
    ],
)
def test_whole_numbers_are_classes_only_where_they_count(numbers: Iterable, form: str | None):
    columns = {'y': [str(number) for number in numbers] * 8}
    if form is not None:
        assert targets_of(columns, None, 8 * len(numbers)).form == form
        return
    with pytest.raises(ValueError, match='whether they are classes or numbers can not be known'):
        targets_of(columns, None, 8 * len(numbers))
    assert targets_of(columns, 'values', 8 * len(numbers)).form == 'values'


def test_long_texts_in_a_table_are_read_and_leave_the_process_as_it_was(tmp_path: Path):
    before = csv.field_size_limit()
    (tmp_path / 'long.csv').write_text(f'text,y\n{"a" * 200_000},1\n')
    columns, _ = read_table(tmp_path / 'long.csv')
    assert len(columns['text'][0]) == 200_000 and csv.field_size_limit() == before < 200_000
    (tmp_path / 'bad.csv').write_text('text,y\na\n')
    with pytest.raises(ValueError, match='1 values for 2 columns'):
        read_table(tmp_path / 'bad.csv')
    assert csv.field_size_limit() == before


def test_half_a_character_is_no_text(tmp_path: Path):
    rows = [json.dumps({'a': f'text {n}', 'b': 'xy'[n % 2]}) for n in range(40)]
    source = written(tmp_path / 'a.jsonl', '\n'.join([*rows, '{"a": "\\ud800", "b": "x"}']))
    given = {'inputs': ('a',), 'target': ('b',), 'form': 'text'}
    with pytest.raises(ValueError, match="row 41: half a character in column 'a'; mend them"):
        prepared(tmp_path, 'json_lines', source, **given)
    one = prepared(tmp_path, 'json_lines', source, **given, skip_damaged=True)
    assert sum(one.about['sizes'].values()) == 40


def test_files_of_a_table_have_the_same_columns(tmp_path: Path):
    (tmp_path / 'set').mkdir()
    written(tmp_path / 'set' / 'a.csv', f'a,b,g\n{ROWS}\n')
    written(tmp_path / 'set' / 'b.csv', 'a,b,h\n1,x,2\n')
    with pytest.raises(
        ValueError, match=r"b\.csv: its columns are not those of a\.csv \(without \['g'\], with \['h'\] beside them\)"
    ):
        prepared(tmp_path, 'csv', tmp_path / 'set', target=('b',))


@pytest.mark.parametrize(
    ('values', 'said'),
    [
        (['5', '5', '5'], "column 'a' is '5' in every row: no model learns anything from it"),
        (['5', None, '5'], ''),
        ([None, None], ''),
        (['5', '6', '7'], ''),
        (['x', 'x'], "column 'a' is 'x' in every row: no model learns anything from it"),
        (['x', 'y'], ''),
        (['-999', '1', '2'], ''),
        (['-999', '1', '2', '-999'], "column 'a' is -999 in 2 of 4 rows and from 1 to 2 in all others"),
        (['999', '1', '2', '999'], "column 'a' is 999 in 2 of 4 rows and from 1 to 2 in all others"),
        (['-999', '-999', '1', '1'], ''),
        (['-999', '-999', '0', '2000'], ''),
        (['99999', '1', '2', '99999'], "column 'a' is 99999 in 2 of 4 rows and from 1 to 2 in all others"),
        (['999999', '1', '2', '999999'], ''),
        (['-1', '-1', *map(str, range(1, 22))], "column 'a' is -1 in 2 of 23 rows and from 1 to 21 in all others"),
        (['-1', '-1', *map(str, range(1, 21))], ''),
        (['-1', '-1', *map(str, range(22))], ''),
        (['99', '99', '0', '1', '60'], ''),
        (['-99', '-99', '0', '-1', '-60'], ''),
        (['99', '99', '0', '1', '49'], "column 'a' is 99 in 2 of 5 rows and from 0 to 49 in all others"),
    ],
)
def test_columns_that_say_nothing_and_numbers_that_stand_for_none(values: list, said: str):
    told = odd_numbers('a', values)
    assert told.startswith(said) and bool(told) == bool(said)


@pytest.mark.parametrize(('form', 'make', 'ending'), [('images', made.images, '.png'), ('sounds', made.sounds, '.wav')])
def test_rows_whose_file_is_missing_or_damaged_are_left_out_and_counted(tmp_path: Path, form: str, make: Callable, ending: str):
    table = listed(make(tmp_path / 'set', 20), ending)
    first, second = sorted((tmp_path / 'set').rglob(f'*{ending}'))[:2]
    first.unlink()
    second.write_bytes(b'nothing')
    with pytest.raises(ValueError, match=r"row 1: column 'file': no such file: .*, and 1 more such rows"):
        prepared(tmp_path, 'csv', table, **PATHS, form=form)
    one = prepared(tmp_path, 'csv', table, **PATHS, form=form, skip_damaged=True)
    assert sum(one.about['sizes'].values()) == 38 and len(one.about['skipped']) == 2


@pytest.mark.parametrize(
    ('values', 'said'),
    [
        (['1,5', None, '2,5'], "has numbers with a comma such as '1,5'; write them with a point: 1.5"),
        (['2024-01-05', '2024-02-06'], "has dates such as '2024-01-05'; allowed: numbers and categories"),
        (['2024-01-05', 'never'], ''),
        (['1,5', 'x'], ''),
        (['a', 'b', None], ''),
        (['Q1', 'Q2', 'Q3'], ''),
    ],
)
def test_categories_that_are_numbers_or_dates_are_asked_about(values: list, said: str):
    if said:
        with pytest.raises(ValueError, match=f"input column 'a' {said}"):
            check_categories('input', 'a', values)
    else:
        check_categories('input', 'a', values)
