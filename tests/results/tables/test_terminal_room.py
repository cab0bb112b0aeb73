"""The room that a table takes on a screen: names as wide as their widest line, and columns as there is room."""

import dataclasses
import io
import re

import pytest
from made_findings import BETTER, UNKNOWN
from rich.console import Console

from results.tables import StudyFacts, rows, table
from results.tables.effects import EffectLine
from results.tables.terminal import HEADERS, SHORTEST, _Layout, coloured, terminal


def layout(findings: list, chain: bool = False, width: int = 200, headers: dict = HEADERS) -> _Layout:
    return _Layout(rows(findings).values(), headers, chain, width)


@pytest.mark.parametrize(
    ('arm', 'base', 'chain', 'room'),
    [
        ('an_arm_of_18_chars', 'base', False, 18),
        ('an_arm_of_18_chars', 'base', True, 18),
        ('short', 'a_base_of_19_chars_', True, 21),
        ('short', 'a_base_of_19_chars_', False, 19),
        ('s', 'b', True, SHORTEST),
    ],
)
def test_a_name_takes_the_room_of_its_widest_line(arm, base, chain, room):
    one, other = dataclasses.replace(BETTER, arm=arm, base=base), dataclasses.replace(BETTER, arm='other', base='b')
    assert layout([one, other], chain).names == room


def test_the_name_of_what_an_arm_is_compared_with_stands_below_it_where_that_differs():
    findings = [BETTER, dataclasses.replace(BETTER, arm='other', base='rms_norm')]
    for given, below in ((findings, True), (findings[:1], False)):
        console = Console(width=200, file=io.StringIO())
        console.print(terminal(given, width=200))
        text = console.file.getvalue()
        assert ('\n- layer_norm ' in text or '\n - layer_norm ' in text) == below
        assert ('Below an arm: what it is compared with.' in text) == below


def test_columns_come_by_their_worth_as_there_is_room_and_stand_in_one_order():
    chosen = {width: layout([BETTER], width=width) for width in range(30, 200)}
    counts = [len(one.keys) for one in chosen.values()]
    assert counts == sorted(counts) and counts[0] == 5 and counts[-1] == len(HEADERS)
    for width, one in chosen.items():
        assert one.keys == [key for key in HEADERS if key in one.keys] and 'diverged' in one.keys
        if not one.stacked:
            assert one.names == len('layer_norm')
            assert one._taken(one.keys) + one.names <= width, 'the table is no wider than the screen'
        assert len(one.left_out) == len(HEADERS) - len(one.keys)
    stacked = [width for width, one in chosen.items() if one.stacked]
    assert stacked == list(range(30, 30 + len(stacked))) and stacked, 'narrow screens have intervals below numbers'
    first = chosen[30 + len(stacked)]
    assert first._taken(first.keys) + first.names == first.room, 'to the last column of the screen'
    assert all(chosen[width].keys == chosen[30].keys for width in stacked)
    few = layout([BETTER], headers={key: HEADERS[key] for key in HEADERS if key != 'shared'})
    assert 'shared' not in few.keys and few.left_out == []


def test_runs_that_diverged_have_a_column_always_where_there_are_any():
    calm = dataclasses.replace(BETTER, diverged=0, base_diverged=0, diverged_share=0.0)
    assert 'diverged' in layout([BETTER], width=60).keys and 'diverged' not in layout([calm], width=60).keys
    assert 'diverged' in layout([calm, BETTER], width=60).keys and 'diverged' in layout([calm], width=200).keys
    assert layout([], width=60).names == SHORTEST and layout([UNKNOWN], width=60).keys


def test_effects_of_factors_are_told_with_what_is_not_known_and_what_is_censored():
    about = dict(task='digits', dataset='digits', metric='accuracy', unit='', direction='higher')
    lines = (
        EffectLine(
            **about, name='norm: rms', effect=0.0123, effect_interval=(0.01, 0.0146), p_adjusted=0.004, verdict='better'
        ),
        EffectLine(**about, name='two', effect=-0.5, verdict='undecided', marks=('censored: rms',)),
        EffectLine(**about, reason='not all of these are confirmed: rms'),
    )
    console = Console(width=100, file=io.StringIO())
    console.print(terminal([BETTER], facts=StudyFacts(effects=lines), width=100))
    told = console.file.getvalue().partition('Effects of the factors')[2].splitlines()
    shown = [line.split() for line in told if ' digits  ' in line]
    assert shown == [
        ['norm:', 'rms', 'digits', '+1.2', '0.004', 'better'],
        ['two', 'digits', '−50.0', '–', 'undecided'],
        ['not', 'known', 'yet', 'digits', '–', '–', 'undecided'],
    ]
    assert (
        sum(line.split() == ['[+1.0,', '+1.5]'] for line in told) == 1
        and sum(line.split() == ['censored'] for line in told) == 1
    )


@pytest.mark.parametrize('form', ['md', 'latex', 'html'])
def test_an_effect_without_a_verdict_is_undecided_in_every_format(form):
    about = dict(task='digits', dataset='digits', metric='accuracy', unit='', direction='higher')
    lines = EffectLine(**about, reason='nothing is confirmed', marks=('censored: a',)), EffectLine(**about, name='one')
    text = table([BETTER], form, facts=StudyFacts(effects=lines))
    assert len(re.findall(r'undecided, censored\b', text)) == 1 and len(re.findall(r'undecided(?![\\_])', text)) >= 2
    assert not re.search(r'undecided[\\_]*_', text)


@pytest.mark.parametrize(
    ('verdict', 'text', 'style'),
    [
        ('better', 'better', 'green'),
        ('worse, negligible', 'worse\nnegligible', 'red'),
        ('undecided', 'undecided', ''),
        ('not comparable', 'not comparable', 'yellow'),
        ('unstable, censored, more', 'unstable\ncensored\nmore', 'magenta'),
    ],
)
def test_a_verdict_has_its_colour_and_its_marks_below(verdict, text, style):
    made = coloured(verdict)
    assert (made.plain, made.style) == (text, style)
