"""Answers as text: tables, CSV, JSON and Markdown, none of which runs in a spreadsheet or a page."""

import csv
import io
import json

import pytest

from results.store import query
from results.store.query import Answer, render
from results.store.screen_tables import folded

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


def test_a_table_that_fits_a_screen_is_whole():
    assert render(ANSWER, width=49) == render(ANSWER)


def test_a_table_that_is_too_wide_is_cut_and_says_where():
    """First long texts are cut, then columns are left out from the right."""
    assert render(ANSWER, width=48).splitlines()[2:] == [
        'a|b        0.333333  1234567  {"lr": 3.33333e-0…',
        'two lines         –        2  [0.1, null]',
        'z               nan        –  –',
        'Cut short: knobs; --wide shows all.',
    ]
    assert render(ANSWER, width=42).splitlines()[2:4] == [
        'a|b        0.333333  1234567  {"lr": 3.33…',
        'two lines         –        2  [0.1, null]',
    ]
    assert render(ANSWER, width=41).splitlines()[2:4] == ['a|b        0.333333  1234567', 'two lines         –        2']
    assert render(ANSWER, width=20).splitlines() == [
        'arm           score',
        '─────────  ────────',
        'a|b        0.333333',
        'two lines         –',
        'z               nan',
        'Left out for want of',
        'room: n, knobs;',
        '--wide shows all.',
    ]
    assert render(ANSWER, width=5).splitlines()[2:4] == ['a|b', 'two …']


@pytest.mark.parametrize('width', [8, 20, 47, 80])
def test_no_line_is_wider_than_the_screen(width):
    long = tuple(f'column_{place}' for place in range(60))
    rows = tuple(tuple(f'{place * row}' * (1 + place % 40) for place in range(60)) for row in range(3))
    for answer in (Answer(long, rows, True, ()), Answer(long, rows[1:2], False, ()), ANSWER):
        text = render(answer, width=width)
        table = text.split('\n3 rows')[0]
        assert max(map(len, table.splitlines())) <= width
        if width == 80 and answer.more:
            assert 'Left out for want of room: column_' in text and 'column_59; --wide shows all.' in ' '.join(text.split())


def test_one_row_that_is_too_wide_stands_upright_and_whole():
    one = Answer(ANSWER.columns, ANSWER.rows[:1], False, ())
    assert render(one, width=49) == render(one)
    assert render(one, width=30).splitlines() == [
        'arm    a|b',
        'score  0.333333',
        'n      1234567',
        'knobs  {"lr": 3.33333e-08}',
    ]
    assert render(one, width=20).splitlines()[3:] == ['knobs  {"lr":', '       3.33333e-08}']
    assert render(one, width=8).splitlines()[2:5] == ['scor  0.', 'e     33', '      33']


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


def test_lines_of_a_list_go_on_below_their_last_column():
    line = '  attention   x    takes rotate bias qk_norm values'
    assert folded(line, None) == folded(line, len(line)) == line
    assert folded(line, 40).splitlines() == ['  attention   x    takes rotate bias', '                   qk_norm values']
    assert folded(line, 24).splitlines() == ['  attention   x    takes', '    rotate bias qk_norm', '    values']
    assert folded('name  a ' + 'long ' * 9, 20).splitlines()[1] == '      long long long'
    assert max(map(len, folded('x' * 70, 30).splitlines())) == 30
