"""Answers as text: tables, CSV, JSON and Markdown, none of which runs in a spreadsheet or a page."""

import csv
import io
import json

import pytest

from results.store import query
from results.store.query import Answer, render

ANSWER = Answer(
    ('arm', 'score', 'n', 'knobs'),
    (('a|b', 1 / 3, 1234567, {'lr': 1e-7 / 3}), ('two\nlines', None, 2, [0.1, None]), ('z', float('nan'), None, None)),
    more=False,
    skipped=(),
)


def test_as_a_table():
    assert render(ANSWER).splitlines() == [
        'arm           score        n  knobs',
        '─────────  ────────  ───────  ───────────────────',
        'a|b        0.333333  1234567  {"lr": 3.33333e-08}',
        'two lines         –        2  [0.1, null]',
        'z               nan        –  –',
    ]


@pytest.mark.parametrize(('width', 'lines'), [(49, 5), (48, 14)])
def test_a_table_that_is_too_wide_stands_upright(width, lines):
    text = render(ANSWER, width=width)
    assert len(text.splitlines()) == lines
    if lines == 14:
        assert text.splitlines()[:5] == ['arm    a|b', 'score  0.333333', 'n      1234567', 'knobs  {"lr": 3.33333e-08}', '']


def test_a_cut_table_says_so():
    assert (
        render(Answer(('a',), ((1,),), more=True, skipped=())).splitlines()[-1].startswith('1 rows are shown, there are more')
    )


def test_as_csv():
    rows = list(csv.reader(io.StringIO(render(ANSWER, 'csv'))))
    assert rows == [
        ['arm', 'score', 'n', 'knobs'],
        ['a|b', '0.333333', '1234567', '{"lr": 3.33333e-08}'],
        ['two lines', '', '2', '[0.1, null]'],
        ['z', 'nan', '', ''],
    ]


def test_as_json():
    assert json.loads(render(ANSWER, 'json')) == [
        {'arm': 'a|b', 'score': 0.333333, 'n': 1234567, 'knobs': {'lr': 3.33333e-08}},
        {'arm': 'two\nlines', 'score': None, 'n': 2, 'knobs': [0.1, None]},
        {'arm': 'z', 'score': None, 'n': None, 'knobs': None},
    ]


def test_as_markdown():
    assert render(ANSWER, 'md').splitlines() == [
        '| arm | score | n | knobs |',
        '|:--|--:|--:|:--|',
        '| a\\|b | 0.333333 | 1234567 | {"lr": 3.33333e-08} |',
        '| two lines | – | 2 | [0.1, null] |',
        '| z | nan | – | – |',
    ]


def test_no_rows_are_a_header():
    empty = Answer(('a', 'b'), (), more=False, skipped=())
    assert [render(empty, form) for form in query.FORMATS] == ['a  b\n─  ─\n', 'a,b\n', '[]\n', '| a | b |\n|:--|:--|\n']


def test_an_unknown_format_is_refused():
    with pytest.raises(ValueError, match=r"format 'xml'; allowed: \['table', 'csv', 'json', 'md'\]"):
        render(ANSWER, 'xml')


def test_no_cell_is_run_by_who_shows_it():
    """A spreadsheet runs what begins like a formula, a renderer what looks like markup."""
    told = Answer(
        ('=x', 'n'), (('=cmd|1', -1.5), ('@a', 2.0), (' -2+3', None), ('[a](javascript:b) `c` <b>\n', 0.0)), False, ()
    )
    assert list(csv.reader(io.StringIO(render(told, 'csv')))) == [
        ["'=x", 'n'],
        ["'=cmd|1", '-1.5'],
        ["'@a", '2'],
        ["'-2+3", ''],
        ['[a](javascript:b) `c` <b>', '0'],
    ]
    last = render(told, 'md').splitlines()[-1]
    assert last == r'| [a]\(javascript:b) \`c\` &lt;b&gt; | 0 |'
    assert json.loads(render(told, 'json'))[0] == {'=x': '=cmd|1', 'n': -1.5}
