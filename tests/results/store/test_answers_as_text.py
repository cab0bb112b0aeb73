"""Answers as text: tables, CSV, JSON and Markdown, none of which runs in a spreadsheet or a page."""

import csv
import datetime
import decimal
import io
import json

import pytest

from results.store import query
from results.store.markdown_text import unrendered
from results.store.query import Answer, cell, plain, render, schema_lines
from results.store.screen_tables import folded, upright
from results.store.spreadsheets import inert, inert_sentence

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


@pytest.mark.parametrize(
    ('value', 'in_json', 'in_text'),
    [
        (None, None, '–'),
        (True, True, 'True'),
        (3, 3, '3'),
        ('a\n  b', 'a\n  b', 'a b'),
        (1234567.5, 1234570.0, '1.23457e+06'),
        (float('inf'), None, 'inf'),
        (decimal.Decimal('0.12345678'), 0.123457, '0.123457'),
        (datetime.date(2026, 11, 3), '2026-11-03', '2026-11-03'),
        ((1, float('-inf')), [1, None], '[1, null]'),
        ({1: decimal.Decimal('0.5'), 'b': ('ä',)}, {'1': 0.5, 'b': ['ä']}, '{"1": 0.5, "b": ["ä"]}'),
    ],
    ids=str,
)
def test_values_of_every_sort(value: object, in_json: object, in_text: str):
    assert plain(value) == in_json and type(plain(value)) is type(in_json) and cell(value) == in_text


@pytest.mark.parametrize(
    ('values', 'right'),
    [
        ((1, 2), True),
        ((1, None), True),
        ((decimal.Decimal(1), 0.5), True),
        ((None, None), False),
        ((True, False), False),
        ((1, 'a'), False),
        ((1, True), False),
    ],
    ids=str,
)
def test_columns_of_numbers_stand_right(values: tuple, right: bool):
    told = Answer(('a', 'wide'), tuple(('x', value) for value in values), False, ())
    assert render(told, 'md').splitlines()[1] == ('|:--|--:|' if right else '|:--|:--|')
    assert (render(told).splitlines()[2][:4] == 'x   ') == (right or len(cell(values[0])) == 0)


def test_a_name_that_a_query_gives_twice_is_told_apart():
    assert query._distinct(['a', 'b', 'a', 'a_2', 'a']) == ['a', 'b', 'a_2', 'a_2_2', 'a_3']
    assert query._distinct([]) == []


@pytest.mark.parametrize(
    ('text', 'cell', 'sentence'),
    [
        ('base', 'base', 'base'),
        ('', '', ''),
        ('=1', "'=1", "'=1"),
        (' =1', "' =1", "' =1"),
        ('@a', "'@a", "'@a"),
        ('\ta', "'\ta", "'\ta"),
        ('\ra', "'\ra", "'\ra"),
        ('a=1', 'a=1', 'a=1'),
        ('-0.5 points', "'-0.5 points", '-0.5 points'),
        ('+2 more', "'+2 more", '+2 more'),
        ('-a', "'-a", "'-a"),
        ("-1+cmd|'/C calc'!A0", "'-1+cmd|'/C calc'!A0", "'-1+cmd|'/C calc'!A0"),
        ('-1\n=2', "'-1\n=2", "'-1\n=2"),
        ('-5', "'-5", '-5'),
        (None, None, None),
        (-5, -5, -5),
    ],
    ids=repr,
)
def test_cells_that_a_spreadsheet_would_run_are_quoted(text: object, cell: object, sentence: object):
    assert inert(text) == cell and inert_sentence(text) == sentence


@pytest.mark.parametrize(
    ('text', 'shown'),
    [
        ('a | b', 'a \\| b'),
        ('a\n\n b', 'a   b'),
        ('`x` \\', '\\`x\\` \\\\'),
        ('<b> a < b', '&lt;b> a < b'),
        ('[a](b) (c)', '[a]\\(b) (c)'),
        ('</p> <!-- <?', '&lt;/p> &lt;!-- &lt;?'),
    ],
    ids=str,
)
def test_text_of_others_stays_text_in_markdown(text: str, shown: str):
    assert unrendered(text) == shown


def test_views_are_listed_with_columns_and_types():
    lines = schema_lines({'trials': {'id': 'VARCHAR', 'score': 'DOUBLE'}, 'packs': {'n': 'INTEGER'}})
    assert lines == [
        *('trials', '  id     VARCHAR', '  score  DOUBLE', ''),
        *('packs', '  n  INTEGER', ''),
        'findings and selected are worked out where named; DESCRIBE shows their columns',
    ]


@pytest.mark.parametrize(
    ('line', 'width', 'lines'),
    [
        ('  name  a key-value', 17, ['  name  a', '        key-value']),
        ('  name  x one two', 16, ['  name  x one', '        two']),
        ('  name  x one two', 15, ['  name  x one', '    two']),
        ('one two', 7, ['one two']),
        ('one two', 6, ['one', '  two']),
    ],
)
def test_lines_are_folded_between_words(line: str, width: int, lines: list[str]):
    assert folded(line, width).splitlines() == lines


def test_an_upright_row_has_no_space_where_a_line_goes_on():
    assert upright(['a'], ['xxx yyy'], 6) == 'a  xxx\n   yyy\n'
    assert upright(['column', 'b'], ['a', ''], 8) == 'colu  a\nmn\nb\n'
    assert upright(['', 'b'], ['', 'x'], 9) == '\nb  x\n'


def test_a_limit_that_cuts_is_told_with_what_shows_more():
    told = render(Answer(('a',), ((1,), (2,)), more=True, skipped=()))
    assert told == 'a\n─\n1\n2\n2 rows are shown, there are more; --limit shows another number of them\n'


def test_json_is_text_that_people_read():
    told = render(Answer(('arm', 'n'), (('ä', 1), ('b', None)), more=False, skipped=()), 'json')
    assert told == '[\n {\n  "arm": "\\u00e4",\n  "n": 1\n },\n {\n  "arm": "b",\n  "n": null\n }\n]\n'
