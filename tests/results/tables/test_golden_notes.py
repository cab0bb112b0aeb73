"""Notes and warnings of tables, for each fact of a study and each doubt of a finding alone: tests/golden/table_notes.txt."""

import dataclasses
import io

import golden_texts
import pytest
from made_findings import BETTER, LOSS, UNKNOWN, WORSE
from rich.console import Console

from results.average_scores import AverageScore
from results.finding import Finding
from results.protocol import NOW
from results.tables import FORMATS, StudyFacts, table
from results.tables.effects import EffectLine
from results.tables.notes import DESIGNS, effects_note, notes
from results.tables.study_facts import Missing
from results.tables.terminal import terminal

FINDINGS = [BETTER, WORSE, LOSS, UNKNOWN]
EFFECT = EffectLine('digits', 'digits', 'accuracy', 'share of images', 'higher', 'rms', effect=0.01, verdict='better')
AVERAGES = [AverageScore(f'arm {task}', task, 0.91, None, 0.9, 0.0123, None) for task in ('digits', 'stdlib_bytes', 'else')]
SHARES = {'alpha': 0.05, 'looks': (1, 2, 3, 4)}
FACTS = {
    'shape': [{'shape': shape} for shape in DESIGNS],
    'recipe': [{'recipe': 'same'}, {'recipe': 'same', 'share': False}],
    'share': [{'share': False}],
    'budget': [{'budget': 'compute'}],
    'base_factor': [{'base_factor': 2}, {'base_factor': 3}],
    'optimizers': [{'optimizers': (('a', ('adamw', 'muon')), ('b', ('muon',)), ('c', ('muon',)))}],
    'unshared': [{'unshared': ('rms_norm', 'no_norm')}],
    'screening': [{'screening': 1, 'trials': 10}],
    'trials': [{'trials': 10}],
    'stopped': [{'stopped': 'Some were stopped'}],
    'protocol': [{'protocol': NOW}, {'protocol': 1, 'look': 0, 'last': 4}, {'protocol': 1, 'look': 3, 'last': 4}],
    'alpha': [{'alpha': 0.05}, {'alpha': 0.001}],
    'level': [{'alpha': 0.05, 'level': 0.05}, {'alpha': 0.05, 'level': 0.025}, {'level': 0.025}],
    'looks': [{**SHARES, 'looks': tuple(range(1, last))} for last in (2, 3, 5, 6, 7)],
    'late': [{'late': (5,)}, {'late': (5, 7)}],
    'look': [{'look': look, 'last': 4} for look in (0, 1, 3, 4)],
    'last': [{'last': last} for last in (1, 2, 3, 4)],
    'complete': [{'look': 3, 'last': 4, 'complete': True}],
    'missing': [
        {
            'look': look,
            'last': 4,
            'missing': (Missing('a', 'digits', 2, 1200), Missing('b', 'digits', 3, 4), Missing('a', 't', 1, 1)),
        }
        for look in (None, 0, 4)
    ],
    'effects': [
        {'effects': (EFFECT, dataclasses.replace(EFFECT, name='', reason='unfinished', marks=('a doubt',))), 'level': 0.01}
    ],
    'averages': [{'averages': tuple(AVERAGES)}],
}


def with_one(**fields: object) -> list[Finding]:
    return [dataclasses.replace(BETTER, **fields)]


DOUBTS = {
    'nothing': [],
    'one': [BETTER],
    'other replicates': [BETTER, *with_one(replicates=3), *with_one(replicates=4)],
    'another base': [BETTER, *with_one(base='no_norm')],
    'no test size': with_one(n_test=None),
    'large test': with_one(n_test=123456),
    'edges': with_one(censored=('adamw lr high', 'adamw lr low')),
    'edges of the base': with_one(base_censored=('adamw lr low',), censored=('muon lr high',)),
    **{f'{ratio} times as large': with_one(params_ratio=ratio) for ratio in (0.949, 0.951, 1.049, 1.051, None)},
    'an error of the split': with_one(test_split_error=0.0123),
    'the largest error': [*with_one(test_split_error=0.0123), *with_one(test_split_error=0.0321)],
    'an error on one task': [*with_one(test_split_error=0.0123), LOSS],
    'no effect': with_one(effect=None, effect_interval=None, test_split_error=0.01),
}


def test_each_fact_of_a_study_is_tried():
    assert set(FACTS) == {field.name for field in dataclasses.fields(StudyFacts)}


def test_notes_say_what_they_said():
    plain = notes(FINDINGS, StudyFacts())
    lines = ['plain', *plain]
    for name, own in FACTS.items():
        for given in own:
            facts = StudyFacts(**given)
            said = notes(FINDINGS, facts)
            less = [f'- {one}' for one in plain if one not in said]
            more = [f'+ {one}' for one in said if one not in plain]
            places = [said.index(one[2:]) for one in more]
            lines += [f'{name} {list(given.values())}', *less, *more, f'at {places}', *facts.warnings()]
    lines += [effects_note(StudyFacts(**FACTS['effects'][0])), effects_note(StudyFacts(effects=(EFFECT,)))]
    for name, findings in DOUBTS.items():
        lines += [name, *(one for one in notes(findings, StudyFacts(alpha=0.05)) if one not in plain)]
    golden_texts.hold('table_notes', '\n'.join(lines))


MARKED = [
    *(
        FINDINGS
        + with_one(arm='tied', task='recall', overall='better', verdict='same', effect=0.0, effect_interval=(-0.001, 0.001))
    ),
    *with_one(arm='edge', censored=('adamw lr high',), base_censored=('adamw lr low',), detectable=0.02, diverged=0),
]


@pytest.mark.parametrize('form', FORMATS)
def test_tables_are_what_they_were(form):
    facts = [StudyFacts(), StudyFacts(alpha=0.05, share=False, last=2, look=1, effects=FACTS['effects'][0]['effects'])]
    golden_texts.hold(f'table_{form}', '\n'.join(table(MARKED, form, facts=one) for one in facts))


def test_screens_are_what_they_were():
    lines = []
    for width in (70, 100, 140, 240):
        console = Console(width=width, file=io.StringIO(), force_terminal=False)
        console.print(terminal(MARKED, facts=StudyFacts(alpha=0.05), width=width))
        lines += [f'{width} columns', *(line.rstrip() for line in console.file.getvalue().splitlines())]
    golden_texts.hold('table_terminal', '\n'.join(lines))
