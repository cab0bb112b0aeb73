"""Tables: what people and programs read is what was found, marked where it is unsure."""

import csv
import dataclasses
import io
import json
import re

import pytest
from made_findings import BETTER, LOSS, UNKNOWN, WORSE, about
from rich.console import Console
from simulated_study import small

from results.evidence import Finding
from results.tables import FORMATS, StudyFacts, table, tex
from results.tables.terminal import WIDE, terminal

FINDINGS = [BETTER, WORSE, LOSS, UNKNOWN]
HUMAN = ('md', 'latex', 'html')


def shown(findings: list[Finding], width: int = 120, facts: StudyFacts | None = None) -> str:
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    console.print(terminal(findings, facts=facts, width=width))
    return console.file.getvalue()


def unwrapped(text: str) -> str:
    return ' '.join(text.split())


def test_every_format_is_the_same_twice():
    for format in FORMATS:
        assert table(FINDINGS, format) == table(list(FINDINGS), format)


def test_unknown_format_is_refused_with_what_is_allowed():
    with pytest.raises(ValueError, match=r"no table format 'word'; allowed: .*latex.*; choose"):
        table(FINDINGS, 'word')


def test_base_has_a_row_for_every_task():
    lines = table(FINDINGS, 'md').splitlines()
    rows = [line for line in lines if '| layer_norm |' in line]
    assert [row.split(' | ')[0] for row in rows] == ['| digits', '| stdlib_bytes']
    assert '90.0 [89.0, 91.0]' in rows[0] and '10.0k (1.00×)' in rows[0] and '| base |' in rows[0]


def test_numbers_stand_with_their_intervals():
    text = table(FINDINGS, 'md')
    for wanted in ('92.5** [92.0, 93.0]', '+2.5 [+1.5, +3.5]', '−0.4 [−1.0, +0.2]', '2.432 [2.400, 2.460]', '10.1k (1.01×)'):
        assert wanted in text


def test_bold_is_the_best_value_and_only_where_it_is_called_better():
    assert re.findall(r'\*\*([^*]+)\*\*', table(FINDINGS, 'md')) == ['92.5']
    assert re.findall(r'\\textbf\{([^}]*)\}', table(FINDINGS, 'latex')) == ['92.5']
    assert re.findall(r'<strong>([^<]*)', table(FINDINGS, 'html')) == ['92.5']
    undecided = [dataclasses.replace(BETTER, verdict='undecided'), WORSE]
    assert '**' not in table(undecided, 'md')
    beaten = [BETTER, dataclasses.replace(WORSE, value=0.95, verdict='not comparable')]
    assert '**' not in table(beaten, 'md')


def test_a_screen_has_the_best_value_alone_in_bold():
    told = io.StringIO()
    Console(file=told, force_terminal=True, color_system='standard', width=120).print(terminal(FINDINGS, width=120))
    assert [text for text in re.findall(r'\x1b\[1m([^\x1b]*)', told.getvalue()) if re.search(r'\d', text)] == ['92.5']


def test_lower_is_best_where_lower_is_better():
    worse = dataclasses.replace(LOSS, arm='no_norm', value=2.6)
    better = dataclasses.replace(LOSS, verdict='better')
    assert '**2.432**' in table([better, worse], 'md')


def test_censored_is_marked_with_its_edges():
    for format in HUMAN:
        text = table(FINDINGS, format)
        assert ('worse & ' if format == 'latex' else 'worse, censored') in text
        assert 'censored' in text.replace('Censored', '') and 'adamw lr high' in text
    base = [dataclasses.replace(BETTER, base_censored=('sgd lr low',))]
    assert 'base, censored' in table(base, 'md') and 'layer_norm on digits (sgd lr low)' in table(base, 'md')
    assert 'censored' in shown(FINDINGS)


WINNERS = {
    'the arm': dataclasses.replace(BETTER, censored=('adamw lr high',)),
    'the base': dataclasses.replace(BETTER, verdict='worse', effect=-0.02, base_censored=('adamw lr high',)),
}


@pytest.mark.parametrize('format', [*FORMATS, 'terminal'])
@pytest.mark.parametrize('who', WINNERS)
def test_a_winner_at_an_edge_is_never_printed_without_the_mark(format, who):
    """The mark belongs to the row itself; the sentence below the table is not enough."""
    one = WINNERS[who]
    text = shown([one]) if format == 'terminal' else table([one], format)
    mark = 'censored' if who == 'the arm' else 'layer_norm censored'
    if format == 'json':
        assert json.loads(text)[0]['marks'] == [mark]
    elif format == 'csv':
        assert next(csv.DictReader(io.StringIO(text)))['marks'] == mark
    else:
        note = text.replace('Censored, ', '')
        plain = re.sub(r'\s+', ' ', note.replace('\\_', '_'))
        assert mark in plain if format != 'terminal' else all(word in plain for word in mark.split())
    clean = dataclasses.replace(one, censored=(), base_censored=())
    assert 'ensored"' not in table([clean], 'json').replace('"censored"', '').replace('"base_censored"', '')


def test_negligible_is_said():
    small_effect = dataclasses.replace(BETTER, negligible=True)
    assert '| better, negligible |' in table([small_effect], 'md')
    assert '| better |' in table([BETTER], 'md')


def test_what_is_unknown_is_a_dash_in_every_human_table():
    row = next(line for line in table(FINDINGS, 'md').splitlines() if line.startswith('| stdlib_bytes | no_norm'))
    assert row.count(' – ') == 10 and 'undecided' in row
    for format in FORMATS:
        assert 'None' not in table(FINDINGS, format)
        assert 'nan' not in table(FINDINGS, format)


def test_latex_has_no_bare_special_characters_and_no_vertical_rules():
    text = table(FINDINGS, 'latex')
    body = re.sub(r'\\begin\{tabular\}\{.*\}|^%.*$', '', text, flags=re.M)
    assert re.search(r'(?<!\\)[_%#]', body) is None
    assert '|' not in text and r'\toprule' in text and r'\bottomrule' in text
    assert r'stdlib\_bytes' in text and '1/20' in text
    assert not set(text) & set('–×−')
    first = text.partition(r'\end{tabular}')[0]
    rows = [line for line in first.splitlines() if ' & ' in line]
    assert {len(re.findall(r'(?<!\\)&', row)) for row in rows} == {11}
    assert tex('a_b & 5% #1 {x} ~ ^ \\') == r'a\_b \& 5\% \#1 \{x\} \textasciitilde{} \textasciicircum{} \textbackslash{}'


def test_html_is_escaped_and_headed():
    text = table([dataclasses.replace(BETTER, overall_reason='<b>&')], 'html')
    assert '&lt;b&gt;&amp;' in text and '<b>' not in text
    assert text.count('<caption>') == 2
    assert '<th scope="row">rms_norm</th>' in text


def test_json_is_the_findings():
    more = {'row', 'marks', 'missing_runs', 'base_missing_runs', 'recipe', 'warning'}
    for row, one in zip(json.loads(table(FINDINGS, 'json')), FINDINGS, strict=True):
        assert {name: value for name, value in row.items() if name not in more} == json.loads(json.dumps(one.to_dict()))
        assert set(row) == more | set(one.to_dict()) and row['row'] == 'comparison' and row['warning'] == ''


def test_csv_has_a_line_for_each_finding_and_two_columns_for_each_interval():
    rows = list(csv.DictReader(io.StringIO(table(FINDINGS, 'csv'))))
    assert len(rows) == len(FINDINGS)
    plain = {name for name in BETTER.to_dict() if not name.endswith('interval')}
    assert plain <= set(rows[0])
    assert (rows[0]['effect_interval_low'], rows[0]['effect_interval_high']) == ('0.015', '0.035')
    assert rows[3]['effect_interval_low'] == '' and rows[1]['censored'] == 'adamw lr high'


def test_note_names_replicates_test_family_and_test_size():
    text = table(FINDINGS, 'md', alpha=0.05)
    for wanted in (
        '5 tuning replicates of 2',
        'Moderated paired t',
        'Holm over 4 comparisons at a familywise error rate of 5%',
        'digits 540',
    ):
        assert wanted in text


def test_verdict_over_tasks_is_there_for_each_arm():
    assert table(FINDINGS, 'md').count('| rms_norm | undecided | better on 1 of 2 datasets |') == 1


def test_a_study_without_comparisons_has_a_table():
    assert json.loads(table([], 'json')) == []
    for format in ('md', 'latex', 'html'):
        assert 'one arm only' in table([], format)
    assert 'one arm only' in shown([])


def test_terminal_names_what_it_leaves_out_and_loses_nothing_where_there_is_room():
    always = ('rms_norm', '92.5', '+2.5', '0.012', 'better', '2.432', '1/20')
    whole = ('−0.4', '0.123', '10.1k')
    narrow, wide = shown(FINDINGS, 80), shown(FINDINGS, WIDE)
    assert all(word in narrow.split() for word in always) and all(word in wide.split() for word in (*always, *whole))
    told = unwrapped(narrow.partition('Left out for want of room: ')[2].partition(';')[0]).split(', ')
    assert told == ['what one recipe for all says', 'parameters', 'detectable effects', 'multiply-adds', 'LR sensitivity']
    assert not set(whole) & set(narrow.split()) and 'Left out' not in wide


def test_terminal_keeps_every_digit_on_narrow_screens():
    calm = [dataclasses.replace(one, diverged=0, base_diverged=0) for one in FINDINGS]
    for width in (50, 60, 80, 100, 120):
        lines = shown(FINDINGS, width).splitlines()
        assert max(map(len, lines)) <= width
        assert any('+2.5' in line for line in lines) and any('[+1.5, +3.5]' in line for line in lines)
    assert '1/20' not in shown(calm, 80) and 'diverged runs' in shown(calm, 60)


def test_columns_of_what_one_recipe_says_and_of_what_can_be_detected():
    one = dataclasses.replace(BETTER, shared_verdict='worse', detectable=0.0123)
    header, _, _, row = table([one], 'md').splitlines()[:4]
    cells = dict(zip(header.split(' | '), row.split(' | '), strict=True))
    assert (cells['one recipe for all says'], cells['detectable effect']) == ('worse', '1.2')
    assert cells['verdict'] == 'better'
    assert '"worse"' in shown([one]) and '1.2' in shown([one]).split()
    for format in ('csv', 'json'):
        assert 'shared_verdict' in table([one], format) and 'detectable' in table([one], format)


def test_the_column_against_is_there_where_it_says_something():
    assert '| against |' not in table(FINDINGS, 'md')
    findings, facts = about('path')
    text = table(findings, 'md', facts=facts)
    header, _, *lines = text.splitlines()
    place = header.split(' | ').index('against')
    assert [line.split(' | ')[place] for line in lines[:3]] == ['–', 'start', 'rms']
    assert [line.split(' | ')[1] for line in lines[:3]] == ['start', 'rms', 'no_mixer']
    for format in HUMAN:
        assert 'every step is compared with the step above it' in table(findings, format, facts=facts)
    screen = shown(findings, facts=facts)
    assert '- start' in screen and '- rms' in screen
    full, facts = about('drop_one')
    assert '| all | ' in table(full, 'md', facts=facts) and 'taken out of the full model' in table(full, 'md', facts=facts)


def test_effects_of_factors_have_a_table_of_their_own_in_every_format():
    findings, facts = about('factorial')
    names = ['norm: rms', 'mixer: no_mixer', 'norm: rms x mixer: no_mixer']
    assert [line.name for line in facts.effects] == names * 2
    for format in HUMAN:
        text = table(findings, format, facts=facts).replace('\\_', '_')
        assert all(name in text for name in names) and 'interaction' in text and 'Holm over 6 effects of all tasks' in text
    rows = [row for row in csv.DictReader(io.StringIO(table(findings, 'csv', facts=facts))) if row['row'] != 'comparison']
    assert [row['arm'] for row in rows] == names * 2
    assert {row['row'] for row in rows} == {'main effect', 'interaction'}
    assert all(row['effect_interval_low'] and row['p_adjusted'] and row['verdict'] for row in rows)
    listed = json.loads(table(findings, 'json', facts=facts))
    assert [row['arm'] for row in listed if row['row'] == 'interaction'] == names[2:] * 2
    assert 'Effects of the factors' in shown(findings, facts=facts)
    assert 'main effect' not in table(*about('one_swap')[:1], 'md')


@pytest.mark.parametrize('share', [0.0, 0.05, 0.4, 0.9])
@pytest.mark.parametrize('shape', ['one_swap', 'path', 'factorial'])
def test_half_finished_studies_say_what_is_missing(shape, share):
    study, planned, records, _, findings = small(shape, share=share)
    facts = about(shape, share=share)[1]
    lacking = [trial for trial in planned.trials if trial.id not in records]
    assert lacking and sum(one.runs for one in facts.missing) == len(lacking)
    for format in FORMATS:
        assert 'None' not in table(findings, format, facts=facts)
    for arm in dict.fromkeys(trial.arm for trial in lacking):
        for task in study.tasks:
            own = [t for t in planned.trials if (t.arm, t.task) == (arm, task.name)]
            runs = sum(t.id not in records for t in own)
            said = f'{arm} {runs} of {len(own)}'
            for text in (table(findings, 'md', facts=facts), shown(findings, facts=facts)):
                assert (said in unwrapped(text)) == (runs > 0)
            row = [r for r in json.loads(table(findings, 'json', facts=facts)) if (r.get('arm'), r['task']) == (arm, task.name)]
            assert all(r['missing_runs'] == runs for r in row)
    assert 'nothing is claimed' in table(findings, 'md', facts=facts)
    assert {one.verdict for one in findings} == {'undecided'}


def test_a_whole_study_misses_nothing():
    findings, facts = about()
    assert facts.warnings() == [] and 'issing on' not in table(findings, 'md', facts=facts)


@pytest.mark.parametrize('format', [*FORMATS, 'terminal'])
def test_one_recipe_for_all_says_that_it_is_a_fallacy(format):
    findings, facts = about(recipe='same')
    text = shown(findings, facts=facts) if format == 'terminal' else table(findings, format, facts=facts)
    assert 'usual fallacy' in unwrapped(text)
    own, honest = about()
    assert 'fallacy' not in (shown(own, facts=honest) if format == 'terminal' else table(own, format, facts=honest))
    if format == 'md':
        assert 'effect at one recipe' in text and 'own-best' not in text and 'shared-recipe' not in text


def test_the_note_says_what_is_larger_and_how_looks_share_the_error():
    large = dataclasses.replace(BETTER, params_ratio=1.2)
    assert 'more than 5%: rms_norm on digits (1.20×)' in table([large], 'md')
    assert 'more than 5%' not in table([BETTER], 'md')
    facts = StudyFacts(alpha=0.05, level=0.025)
    assert 'familywise error rate of 5%, of which these share 2.5%' in table(FINDINGS, 'md', facts=facts)


EVIL = "=1+cmd|' /C calc'!A0 [a](javascript:b) <script>"


def test_what_others_have_written_is_neither_run_nor_rendered():
    """The unit of a task is anybody's; a sentence that begins with a number stays as it is."""
    odd = dataclasses.replace(LOSS, unit=EVIL, reason=f'-1 {EVIL}')
    row, own = csv.DictReader(io.StringIO(table([odd, dataclasses.replace(WORSE, reason='-0.2 points, adjusted p 1')], 'csv')))
    assert row['unit'] == f"'{EVIL}" and row['reason'] == f"'-1 {EVIL}" and own['reason'] == '-0.2 points, adjusted p 1'
    text = table([odd], 'md')
    assert '<script>' not in text and '](' not in text and "cmd\\|' /C" in text
    assert '<script>' not in table([odd], 'html')


@pytest.mark.parametrize(
    ('fields', 'marks'),
    [
        ({}, []),
        ({'censored': ('a',)}, ['censored']),
        ({'base_censored': ('a',)}, []),
        ({'base_censored': ('a',), 'verdict': 'worse'}, ['layer_norm censored']),
        ({'base_censored': ('a',), 'censored': ('a',), 'verdict': 'worse'}, ['censored', 'layer_norm censored']),
        ({'verdict': 'worse'}, []),
    ],
)
def test_who_wins_at_an_edge_is_marked(fields, marks):
    (row,) = json.loads(table([dataclasses.replace(BETTER, **fields)], 'json'))
    assert row['marks'] == marks


def test_rows_of_a_screen_name_what_an_arm_is_compared_with_below_it():
    both = [BETTER, dataclasses.replace(WORSE, base='rms_norm')]
    text = shown(both, 240)
    assert '- layer_norm' in text and '- rms_norm' in text and 'Below an arm: what it is compared with.' in unwrapped(text)
    assert '- layer_norm' not in shown(FINDINGS, 240) and 'Below an arm' not in unwrapped(shown(FINDINGS, 240))


def test_a_screen_says_what_one_recipe_for_all_says_only_where_it_shows_it():
    said, told = 'In quotes: what one recipe for all says.', [dataclasses.replace(BETTER, shared_verdict='worse')]
    assert said in unwrapped(shown(told, 240)) and said not in unwrapped(shown(told, 60))
    alone = unwrapped(shown(told, 240, StudyFacts(share=False)))
    assert said not in alone and "at the base's recipe" not in alone
    same = unwrapped(shown(told, 240, StudyFacts(recipe='same')))
    assert 'effect at one recipe' in same and said not in same


def test_long_names_of_arms_are_folded_before_a_number_is():
    long = [dataclasses.replace(BETTER, arm='a_name_of_an_arm_that_is_far_too_long_for_a_screen')]
    text = shown(long, 60)
    assert max(map(len, text.splitlines())) <= 60 and '92.5' in text and '[+1.5, +3.5]' in text
    assert 'a_name_of_an_arm_that_is_far_too_long_for_a_screen' in shown(long, 240)
    tiny = [dataclasses.replace(BETTER, arm='ab')]
    assert 'ab' in shown(tiny, 40).split()
