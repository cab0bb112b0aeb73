"""Joint tables: the effects of several studies stand where they belong, in every format."""

import csv
import dataclasses
import io
import json

import golden_texts
import pytest
from made_findings import BETTER, LOSS, UNKNOWN, WORSE
from rich.console import Console

from results.tables import FORMATS, StudyFacts, table
from results.tables.joint_table import FOR_PEOPLE, FOR_PROGRAMS, NOTE, joint, joint_table
from results.tables.joint_terminal import _beside, joint_terminal

LARGE = [
    dataclasses.replace(one, study='large', params=one.params and 10 * one.params, effect=-one.effect, effect_interval=interval)
    for one, interval in ((BETTER, (-0.035, -0.015)), (LOSS, LOSS.effect_interval))
]
STUDIES = [([BETTER, WORSE, LOSS], StudyFacts()), (LARGE, StudyFacts())]


def shown(studies, width):
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    console.print(joint_terminal(studies, width))
    return console.file.getvalue()


def test_rows_are_by_task_and_a_comparison_of_both_studies_has_one():
    made = joint(STUDIES)
    assert made.studies == ('small', 'large') and made.sizes == ('10.0k parameters', '100k parameters')
    assert [(row.task, row.arm) for row in made.rows] == [
        ('digits (accuracy, points)', 'rms_norm'),
        ('digits (accuracy, points)', 'no_norm'),
        ('stdlib_bytes (loss, nats per byte)', 'rms_norm'),
    ]
    assert [tuple(map(str, row.effects)) for row in made.rows[:2]] == [
        ('+2.5 [+1.5, +3.5]', '−2.5 [−3.5, −1.5]'),
        ('−10.0 [−12.0, −8.0]', '–'),
    ]
    assert made.rows[1].verdicts == ('worse, censored', '')


def test_arms_that_are_compared_with_others_are_other_rows():
    other = [dataclasses.replace(one, base='batch_norm') for one in LARGE]
    arms = [row.arm for row in joint([STUDIES[0], (other, StudyFacts())]).rows]
    assert arms[:3] == ['rms_norm against layer_norm', 'no_norm against layer_norm', 'rms_norm against batch_norm']
    elsewhere = [dataclasses.replace(one, dataset='other digits') for one in LARGE]
    assert len(joint([STUDIES[0], (elsewhere, StudyFacts())]).rows) == 5


@pytest.mark.parametrize('form', [*FOR_PEOPLE, *FOR_PROGRAMS])
def test_every_format_holds_all_and_is_the_same_twice(form):
    text = joint_table(STUDIES, form)
    assert text == joint_table(list(STUDIES), form) and {*FOR_PEOPLE, *FOR_PROGRAMS} == set(FORMATS)
    if form == 'json':
        alone = [row for findings, facts in STUDIES for row in json.loads(table(findings, 'json', facts=facts))]
        assert json.loads(text) == alone and {row['study'] for row in alone} == {'small', 'large'}
    elif form == 'csv':
        assert [row['study'] for row in csv.DictReader(io.StringIO(text))] == ['small'] * 3 + ['large'] * 2
    else:
        for wanted in ('+2.5', '10.0k', '100k', 'worse, censored', 'large'):
            assert wanted in text
        assert NOTE[:40] in text.replace('\\', '')


def test_what_is_to_be_read_first_stands_first_with_the_name_of_its_study():
    late = [([BETTER], StudyFacts(late=(4,))), STUDIES[1]]
    for form in ('md', 'latex', 'html'):
        text = joint_table(late, form)
        assert text.index('small: Looks at 4 replicates') < text.index('+2.5')
    assert shown(late, 80).startswith('small: Looks at 4 replicates')


@pytest.mark.parametrize('width', [80, 60, 40])
def test_a_screen_shows_every_study_and_no_line_is_too_long(width):
    text = shown(STUDIES, width)
    assert max(map(len, text.splitlines())) <= width
    for wanted in ('[+1.5, +3.5]', '[−3.5, −1.5]', 'small', 'large', 'censored'):
        assert wanted in text
    # Beside each other where there is room, below each other where there is not.
    beside = any('[+1.5, +3.5]' in line and '[−3.5, −1.5]' in line for line in text.splitlines())
    assert beside == (width > 40)


def test_a_study_that_is_given_twice_or_has_nothing_to_compare_is_refused():
    with pytest.raises(ValueError, match="study 'small' is given 2 times; give each study once"):
        joint_table([STUDIES[0], STUDIES[0]], 'md')
    with pytest.raises(ValueError, match='no study has two arms to compare'):
        joint_table([([], StudyFacts())], 'json')
    with pytest.raises(ValueError, match=r"no table format 'word'; allowed: .*latex"):
        joint_table(STUDIES, 'word')


def test_what_is_not_known_yet_is_a_dash():
    (row,) = joint([([UNKNOWN], StudyFacts())]).rows
    assert str(row.effects[0]) == '–' and row.verdicts[0].startswith('undecided')


def test_arms_stand_first_and_as_many_studies_beside_them_as_fit():
    lines = shown(STUDIES, 80).splitlines()
    assert ['arm', '10.0k', 'parameters', '100k', 'parameters'] in [line.split() for line in lines]
    assert next(line for line in lines if 'rms_norm' in line).startswith('rms_norm')
    long = [
        ([dataclasses.replace(one, arm='a_very_long_name_of_an_arm_that_folds')], StudyFacts()) for one in (BETTER, LARGE[0])
    ]
    text = shown(long, 60)
    assert max(map(len, text.splitlines())) <= 60
    assert any('+2.5' in line and '−2.5' in line for line in text.splitlines()), 'long names are folded before studies are'


@pytest.mark.parametrize(('names', 'room'), [(('a', 'b'), 3), (('a', 'x' * 12), 2), (('x' * 24, 'b'), 2), (('a', 'x' * 40), 2)])
def test_the_longest_name_of_an_arm_leaves_room_for_so_many_studies(names, room):
    findings = [dataclasses.replace(BETTER, arm=name) for name in names]
    studies = [([dataclasses.replace(one, study=study) for one in findings], StudyFacts()) for study in ('s1', 's2', 's3')]
    made = joint(studies)
    widest = max(len(made.sizes[0]), len(made.rows[0].effects[0].small))
    width = 3 * (widest + 1) + 10
    assert _beside(made, list(made.rows), width) == [[0, 1, 2][start : start + room] for start in range(0, 3, room)]


def test_markup_has_a_line_for_each_row_and_ends_with_the_note():
    lines = joint_table(STUDIES, 'html').split('\n')
    assert lines[0] == '<table class="findings">' and lines[1] == '<caption>Effects by task, arm and study</caption>'
    assert lines[-3] == '</table>' and lines[-2].startswith('<p class="note">') and lines[-1] == ''


def test_sizes_of_bases_are_told_from_the_least_to_the_most():
    small = dataclasses.replace(LOSS, params=5050)
    assert joint([([BETTER, small], StudyFacts())]).sizes == ('5.00k to 10.0k parameters',)
    unknown = [dataclasses.replace(BETTER, params=None), dataclasses.replace(LOSS, params_ratio=None)]
    assert joint([(unknown, StudyFacts())]).sizes == ('',)
    assert '| small |' in joint_table([(unknown, StudyFacts())], 'md') and 'small (10.0k parameters)' in joint_table(
        STUDIES, 'md'
    )


def test_a_study_without_findings_has_no_column():
    made = joint([([], StudyFacts(late=(4,))), *STUDIES])
    assert made.studies == ('small', 'large') and all(len(row.effects) == 2 for row in made.rows)
    assert not joint_table([([], StudyFacts(late=(4,))), *STUDIES], 'md').startswith('**')


def test_latex_has_a_column_for_each_study_and_two_lines_for_each_arm():
    text = joint_table(STUDIES, 'latex')
    assert text.startswith('% needs') and r'\begin{tabular}{@{}lll@{}}' in text and text.rstrip().endswith(r'\end{table*}')
    assert text.count(r'\begin{tabular}') == text.count(r'\end{tabular}') == 1
    rows = [line for line in text.splitlines() if line.endswith((r'\\', r'\\[1pt]')) and 'multicolumn' not in line]
    assert {line.count(' & ') for line in rows} == {2} and len(rows) == 2 + 2 * 3
    assert r'\multicolumn{3}{@{}l@{}}{\textit{digits (accuracy, points)}}' in text
    assert r'{} & {\tiny [$-$12.0, $-$8.0]} & {} \\[1pt]' in text


def test_markdown_has_as_many_cells_in_every_line():
    lines = [line for line in joint_table(STUDIES, 'md').splitlines() if line.startswith('|')]
    assert {line.count('|') for line in lines} == {5} and lines[1] == '| --- | --- | --- | --- |'
    assert lines[3].split(' | ')[2:] == ['−10.0 [−12.0, −8.0] worse, censored', '– |']


def test_html_has_a_heading_over_all_columns_of_a_task():
    text = joint_table(STUDIES, 'html')
    assert text.count('colspan="3"') == 2 and text.count('<tbody>') == text.count('</tbody>') == 2
    assert '<th scope="col" class="word">large<br><small>100k parameters</small></th>' in text
    assert '<td class="verdict worse">−10.0 <small>[−12.0, −8.0]</small> worse, censored</td>' in text


@pytest.mark.parametrize('form', FOR_PEOPLE)
def test_studies_side_by_side_are_told_as_they_were(form: str):
    fallacy = [dataclasses.replace(one, study='one <recipe>') for one in (WORSE, UNKNOWN, dataclasses.replace(LOSS, base='b'))]
    given = [*STUDIES, (fallacy, StudyFacts(recipe='same', last=2)), ([], StudyFacts())]
    golden_texts.hold(f'joint_{form}', joint_table(given, form))
