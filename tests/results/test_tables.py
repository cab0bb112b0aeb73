"""Tables: what people and programs read is what was found, marked where it is unsure."""

import csv
import dataclasses
import io
import json
import re

import pytest
from rich.console import Console

from results.evidence import Finding
from results.tables import FORMATS, count, number, probability, table, tex
from results.terminal import terminal

BETTER = Finding(
    study='small',
    arm='rms_norm',
    base='layer_norm',
    task='digits',
    dataset='digits',
    metric='accuracy',
    unit='share of images',
    direction='higher',
    margin=0.01,
    base_value=0.9,
    base_interval=(0.89, 0.91),
    value=0.925,
    interval=(0.92, 0.93),
    effect=0.025,
    effect_interval=(0.015, 0.035),
    p=0.001,
    p_adjusted=0.0123,
    p_equivalent=1.0,
    verdict='better',
    reason='+0.025 share of images, adjusted p 0.012',
    shared_effect=-0.004,
    shared_interval=(-0.01, 0.002),
    params=10100,
    params_ratio=1.01,
    macs=2_000_000,
    macs_ratio=1.0,
    lr_sensitivity=0.1234,
    base_lr_sensitivity=0.2,
    diverged_share=0.05,
    base_diverged_share=0.0,
    replicates=5,
    seeds=2,
    n_test=540,
    overall='undecided',
    overall_reason='better on 1 of 2 datasets',
)
WORSE = dataclasses.replace(
    BETTER, arm='no_norm', value=0.8, effect=-0.1, effect_interval=(-0.12, -0.08), verdict='worse', censored=('adamw lr high',)
)
LOSS = dataclasses.replace(
    BETTER,
    task='stdlib_bytes',
    dataset='stdlib_bytes',
    metric='loss',
    unit='nats per byte',
    direction='lower',
    margin=0.02,
    base_value=2.5,
    base_interval=(2.4, 2.6),
    value=2.4321,
    interval=(2.4, 2.46),
    effect=0.0679,
    effect_interval=(-0.01, 0.14),
    verdict='undecided',
)
UNKNOWN = Finding('small', 'no_norm', 'layer_norm', 'stdlib_bytes', 'stdlib_bytes', 'loss', 'nats per byte', 'lower', 0.02)
FOUND = [BETTER, WORSE, LOSS, UNKNOWN]


def shown(findings: list[Finding], width: int = 120) -> str:
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    console.print(terminal(findings))
    return console.file.getvalue()


def test_every_format_is_the_same_twice():
    for format in FORMATS:
        assert table(FOUND, format) == table(list(FOUND), format)


def test_unknown_format_is_refused_with_what_is_allowed():
    with pytest.raises(ValueError, match=r"no table format 'word'; allowed: .*latex.*; choose"):
        table(FOUND, 'word')


@pytest.mark.parametrize(
    ('value', 'metric', 'signed', 'wanted'),
    [
        (0.92345, 'accuracy', False, '92.3'),
        (0.0251, 'accuracy', True, '+2.5'),
        (-0.0251, 'accuracy', True, '−2.5'),
        (-0.0001, 'accuracy', True, '0.0'),
        (2.43214, 'loss', False, '2.432'),
        (None, 'loss', True, '–'),
    ],
)
def test_numbers(value, metric, signed, wanted):
    assert number(value, metric, signed) == wanted


def test_large_numbers_and_probabilities():
    assert [count(n) for n in (7, 999, 1000, 12345, 999_960, 1.2e6, None)] == [
        '7',
        '999',
        '1.00k',
        '12.3k',
        '1.00M',
        '1.20M',
        '–',
    ]
    assert [probability(p) for p in (0.0004, 0.0123, 1.0, None)] == ['<0.001', '0.012', '1.000', '–']


def test_base_has_a_row_for_every_task():
    lines = table(FOUND, 'md').splitlines()
    rows = [line for line in lines if '| layer_norm |' in line]
    assert [row.split(' | ')[0] for row in rows] == ['| digits', '| stdlib_bytes']
    assert '90.0 [89.0, 91.0]' in rows[0] and '10.0k (1.00×)' in rows[0] and '| base |' in rows[0]


def test_numbers_stand_with_their_intervals():
    text = table(FOUND, 'md')
    for wanted in ('92.5** [92.0, 93.0]', '+2.5 [+1.5, +3.5]', '−0.4 [−1.0, +0.2]', '2.432 [2.400, 2.460]', '10.1k (1.01×)'):
        assert wanted in text


def test_bold_is_the_best_value_and_only_where_it_is_called_better():
    assert re.findall(r'\*\*([^*]+)\*\*', table(FOUND, 'md')) == ['92.5']
    assert re.findall(r'\\textbf\{([^}]*)\}', table(FOUND, 'latex')) == ['92.5']
    assert re.findall(r'<strong>([^<]*)', table(FOUND, 'html')) == ['92.5']
    undecided = [dataclasses.replace(BETTER, verdict='undecided'), WORSE]
    assert '**' not in table(undecided, 'md')
    beaten = [BETTER, dataclasses.replace(WORSE, value=0.95, verdict='not comparable')]
    assert '**' not in table(beaten, 'md')


def test_lower_is_best_where_lower_is_better():
    worse = dataclasses.replace(LOSS, arm='no_norm', value=2.6)
    better = dataclasses.replace(LOSS, verdict='better')
    assert '**2.432**' in table([better, worse], 'md')


def test_censored_is_marked_with_its_edges():
    for format in ('md', 'latex', 'html'):
        text = table(FOUND, format)
        assert 'worse, censored' in text
        assert 'adamw lr high' in text
    base = [dataclasses.replace(BETTER, base_censored=('sgd lr low',))]
    assert 'base, censored' in table(base, 'md') and 'layer_norm on digits (sgd lr low)' in table(base, 'md')
    assert 'censored' in shown(FOUND)


def test_negligible_is_said():
    small = dataclasses.replace(BETTER, reason='+0.005 share, adjusted p 0.01, negligible: within the margin')
    assert '| better, negligible |' in table([small], 'md')


def test_what_is_unknown_is_a_dash_in_every_human_table():
    row = next(line for line in table(FOUND, 'md').splitlines() if line.startswith('| stdlib_bytes | no_norm'))
    assert row.count(' – ') == 8 and 'undecided' in row
    for format in FORMATS:
        assert 'None' not in table(FOUND, format)
        assert 'nan' not in table(FOUND, format)


def test_latex_has_no_bare_special_characters_and_no_vertical_rules():
    text = table(FOUND, 'latex')
    body = re.sub(r'\\begin\{tabular\}\{.*\}|^%.*$', '', text, flags=re.M)
    assert re.search(r'(?<!\\)[_%#]', body) is None
    assert '|' not in text and r'\toprule' in text and r'\bottomrule' in text
    assert r'stdlib\_bytes' in text and r'5.0\%' in text
    assert not set(text) & set('–×−')
    rows = [line for line in body.splitlines() if line.endswith(r'\\') and 'multicolumn' not in line]
    assert {len(re.findall(r'(?<!\\)&', row)) for row in rows} == {9}
    assert tex('a_b & 5% #1 {x} ~ ^ \\') == r'a\_b \& 5\% \#1 \{x\} \textasciitilde{} \textasciicircum{} \textbackslash{}'


def test_html_is_escaped_and_headed():
    text = table([dataclasses.replace(BETTER, overall_reason='<b>&')], 'html')
    assert '&lt;b&gt;&amp;' in text and '<b>' not in text
    assert text.count('<caption>') == 2
    assert '<th scope="row">rms_norm</th>' in text


def test_json_is_the_findings():
    assert json.loads(table(FOUND, 'json')) == [json.loads(json.dumps(one.to_dict())) for one in FOUND]


def test_csv_has_a_line_for_each_finding_and_two_columns_for_each_interval():
    rows = list(csv.DictReader(io.StringIO(table(FOUND, 'csv'))))
    assert len(rows) == len(FOUND)
    plain = {name for name in BETTER.to_dict() if not name.endswith('interval')}
    assert plain <= set(rows[0])
    assert (rows[0]['effect_interval_low'], rows[0]['effect_interval_high']) == ('0.015', '0.035')
    assert rows[3]['effect_interval_low'] == '' and rows[1]['censored'] == 'adamw lr high'


def test_note_names_replicates_test_family_and_test_size():
    text = table(FOUND, 'md', alpha=0.05)
    for wanted in (
        '5 tuning replicates of 2',
        'Welch t',
        'Holm over 4 comparisons at a familywise error rate of 5%',
        'digits 540',
    ):
        assert wanted in text


def test_verdict_over_tasks_is_there_for_each_arm():
    assert table(FOUND, 'md').count('| rms_norm | undecided | better on 1 of 2 datasets |') == 1


def test_a_study_without_comparisons_has_a_table():
    assert json.loads(table([], 'json')) == []
    for format in ('md', 'latex', 'html'):
        assert 'one arm only' in table([], format)
    assert 'one arm only' in shown([])


def test_terminal_loses_nothing_at_eighty_columns():
    words = shown(FOUND, 80).split()
    for wanted in ('rms_norm', '92.5', '+2.5', '−0.4', '0.012', 'better', '0.123', '5.0%', '10.1k', '2.432'):
        assert wanted in words
