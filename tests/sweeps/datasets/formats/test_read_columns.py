"""Columns: what a cell holds, which lines count, and how damaged tables are told, in CSV, JSON lines and Parquet."""

import csv
import json
from pathlib import Path

import pytest

from sweeps.datasets.formats.columns import read_table


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding='utf-8')
    return path


@pytest.mark.parametrize(
    ('text', 'columns'),
    [
        ('a,b\n1,x\n', {'a': ['1'], 'b': ['x']}),
        ('a;b\n1,5;x\n', {'a': ['1,5'], 'b': ['x']}),
        ('a\tb c\n1\t2 3\n', {'a': ['1'], 'b c': ['2 3']}),
        ('a|b\n1|2\n', {'a': ['1'], 'b': ['2']}),
        ('word\none\ntwo\n', {'word': ['one', 'two']}),
        (' a , b\n 1 ,\tx \n', {'a': ['1'], 'b': ['x']}),
        ('\n  \na,b\n\n1,x\n , \n2,y\n', {'a': ['1', '2'], 'b': ['x', 'y']}),
        ('a,b\n"1, and 2","say ""x"""\n', {'a': ['1, and 2'], 'b': ['say "x"']}),
        ('a,b\n"one\nline",x\n', {'a': ['one\nline'], 'b': ['x']}),
        ('1,b\n2,x\n', {'1': ['2'], 'b': ['x']}),
    ],
    ids=['commas', 'semicolons', 'tabs', 'bars', 'one', 'spaces', 'blank', 'quotes', 'a line in a cell', 'a number as a name'],
)
def test_a_line_of_names_and_the_rows_below_it(tmp_path: Path, text: str, columns: dict):
    assert read_table(written(tmp_path / 'a.csv', text)) == (columns, [])


@pytest.mark.parametrize('cell', ['', ' ', 'NA', 'na', 'N/A', 'NaN', 'null', 'None', '?'])
def test_what_says_that_a_value_is_missing_is_none(tmp_path: Path, cell: str):
    assert read_table(written(tmp_path / 'a.csv', f'a,b\n{cell},x\n0,nano\n'))[0] == {'a': [None, '0'], 'b': ['x', 'nano']}


def test_wanted_columns_stand_in_the_order_of_the_file_and_the_others_are_named(tmp_path: Path):
    as_csv = written(tmp_path / 'a.csv', 'a,b,c\n1,2,3\n')
    as_json = written(tmp_path / 'a.jsonl', '{"a": "1", "b": "2", "c": "3"}\n')
    for path in (as_csv, as_json):
        columns, others = read_table(path, {'c', 'a', 'nowhere'})
        assert columns == {'a': ['1'], 'c': ['3']} and list(columns) == ['a', 'c'] and others == ['b']


@pytest.mark.parametrize(
    ('name', 'text', 'said'),
    [
        ('a.csv', 'a,b\n1,"x\n', r'a\.csv: line 2: .*; check the quotes'),
        ('a.csv', 'a,b\n1,2\n\n3\n', r'a\.csv: line 4: 1 values for 2 columns; mend the line'),
        ('a.csv', '# made in 2024\n1,2\n', "its first line is '# made in 2024', as a comment is"),
        ('a.csv', '1,2\n3,4\n', r"its first line is \['1', '2'\]; allowed: the names of the columns"),
        ('a.csv', 'a,b, a\n1,2,3\n', "two columns are called 'a'"),
        ('a.csv', 'a,b\n', 'no rows; give a table'),
        ('a.csv', '', 'no rows; give a table'),
        ('a.jsonl', '{"a": 1}\n\n{"a": \n', r'a\.jsonl: line 3: not JSON'),
        ('a.jsonl', '{"a": 1}\n[1]\n', r'a\.jsonl: line 2: a list; allowed: an object'),
        ('a.jsonl', '{"a": 1}\n{"a": {"b": 1}}\n', r"a\.jsonl: line 2: field 'a' is a dict; allowed"),
        ('a.json', '[{"a": 1}, 5]', r'a\.json: entry 2: a int; allowed: an object'),
        ('a.json', '[{"a": 1}, {"a": [2]}]', r"a\.json: entry 2: field 'a' is a list"),
        ('a.json', '[{"a": 1}', r'a\.json: not JSON'),
        ('a.json', '[]', 'no rows; give a table'),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, name: str, text: str, said: str):
    before = csv.field_size_limit()
    with pytest.raises(ValueError, match=said):
        read_table(written(tmp_path / name, text))
    assert csv.field_size_limit() == before, 'the limit is the whole process'


def test_objects_may_lack_names_and_what_is_not_wanted_may_be_nested(tmp_path: Path):
    text = '\n{"a": 1, "c": [1, 2]}\n\n{"b": false}\n'
    assert read_table(written(tmp_path / 'a.jsonl', text), {'a', 'b'}) == ({'a': [1, None], 'b': [None, False]}, ['c'])
    rows = [{'a': 1}, {'a': 2, 'b': 'x'}]
    assert read_table(written(tmp_path / 'a.json', json.dumps(rows, indent=1)))[0] == {'a': [1, 2], 'b': [None, 'x']}


def test_numbers_of_classes_of_a_parquet_file_become_their_names(tmp_path: Path):
    import pyarrow
    from pyarrow import parquet

    told = {'info': {'features': {'pet': {'names': ['cat', 'dog']}, 'some': {'names': ['x', 'y']}}}}
    table = pyarrow.Table.from_pydict({'pet': [1, 0, -1, 2], 'some': [1, None, 0, 0], 'age': [3, 4, 5, 6]})
    parquet.write_table(table.replace_schema_metadata({'huggingface': json.dumps(told)}), tmp_path / 'a.parquet')
    columns, others = read_table(tmp_path / 'a.parquet', {'pet', 'some'})
    assert columns['pet'] == ['dog', 'cat', None, None] and others == ['age']
    assert columns['some'] == [1, None, 0, 0], 'a column with a gap stays as it is'


def test_a_table_may_have_so_many_columns_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr('sweeps.datasets.formats.columns.COLUMNS', 2)
    (tmp_path / 'a.csv').write_text('a,b\n1,2\n')
    assert len(read_table(tmp_path / 'a.csv')[0]) == 2
    (tmp_path / 'a.csv').write_text('a,b,c\n1,2,3\n')
    with pytest.raises(ValueError, match='3 columns; allowed: up to 2; is it a table with a row for each example'):
        read_table(tmp_path / 'a.csv')
