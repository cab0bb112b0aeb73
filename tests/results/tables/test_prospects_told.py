"""Prospects as they are told: each fact has its words, and what is not known is not made up."""

import io

import pytest
from rich.console import Console

from results.tables.prospects import STEPS, lines


def clock(seconds: float) -> str:
    return f'{seconds:g} s'


TASK = {'metric': 'accuracy', 'unit': 'share', 'margin': 0.01, 'finds': 0.02, 'hardest': 'gated', 'hardest_finds': 0.03}
TASK |= {'lost': 0.004, 'equivalence_replicates': 9, 'equivalence': False}
SETTING = {'trials': 8, 'seeds': 3, 'replicates': 5, 'runs': 1234, 'seconds': 60.0, 'reach': 0.5, 'tasks': {'digits': TASK}}
HOUR = {
    'trials': {**SETTING, 'trials': 10, 'reach': 0.4, 'one_more_seconds': 7.0},
    'seeds': {**SETTING, 'one_more_seconds': 8.0},
    'replicates': {**SETTING, 'replicates': 6, 'reach': 0.3, 'one_more_seconds': 9.0},
    'steps': {'times': 1.456},
}
FACTS = {
    'study': 'mine',
    'known': True,
    'measured': {'replicates': 5, 'within_factor': 1.44},
    'declared': SETTING,
    'read': False,
}
FACTS |= {'without': [], 'budget_seconds': 600.0, 'next_hour': HOUR, 'best': {**SETTING, 'trials': 12, 'set': ['looks=(3, 5)']}}


def shown(facts: dict) -> list[str]:
    console = Console(width=100, file=io.StringIO(), force_terminal=False)
    for line in lines(facts, clock, 'mine.py'):
        console.print(line, soft_wrap=True)
    return [' '.join(line.split()) for line in console.file.getvalue().splitlines()]


def test_what_a_study_would_find_and_what_an_hour_buys():
    told = shown(FACTS)
    assert told[0] == (
        'mine: variances of 5 replicates; what is found may be up to 1.4 times as large as said, in one case of ten more'
    )
    assert told[1] == 'As declared: 8 trials, 3 seeds, 5 replicates, 1,234 runs in all, about 60 s of training'
    assert told[2:4] == ['task finds margin hardest lost equivalence', 'digits 2.0 1.0 gated 3.0 0.4 from 9 replicates']
    assert 'Best for 600 s in all: 12 trials, 3 seeds, 5 replicates, 1,234 runs, about 60 s of training' in told
    assert "archlab run mine.py --set 'looks=(3, 5)'" in told
    place = told.index('One more hour beside what is declared buys')
    assert told[place + 1 :] == [
        'more then finds',
        'trials 8 to 10 digits 2.0',
        'seeds – one more takes 8 s',
        'replicates 5 to 6 digits 2.0 best',
        f'or 1.46 times the steps of every run: {STEPS}',
    ]


@pytest.mark.parametrize(
    ('fields', 'said'),
    [
        ({'equivalence': True}, 'yes, from 9 replicates'),
        ({'equivalence_replicates': None}, 'never'),
        ({'lost': None}, 'gated 3.0 – from'),
        ({'finds': None, 'hardest_finds': None}, 'digits – 1.0 gated – 0.4'),
        ({'metric': 'loss'}, 'digits 0.020 0.010 gated 0.030 0.004'),
    ],
)
def test_a_row_of_a_task(fields, said):
    assert said in shown({**FACTS, 'declared': {**SETTING, 'tasks': {'digits': {**TASK, **fields}}}})[3]


def test_one_seed_tells_nothing_of_seeds_and_what_pays_for_none_is_not_best():
    unknown = {'one_more_seconds': 8.0, 'unknown': 'nobody knows'}
    told = shown({**FACTS, 'next_hour': {**HOUR, 'seeds': unknown, 'replicates': {**HOUR['replicates'], 'reach': None}}})
    assert 'seeds – nobody knows' in told and 'trials 8 to 10 digits 2.0 best' in told


@pytest.mark.parametrize(
    ('fields', 'there', 'silent'),
    [
        (
            {'without': ['a on digits', 'b on digits']},
            'Nothing is known of a on digits, b on digits: runs failed',
            'No run has',
        ),
        ({'read': True}, 'claim nothing; give the study another name', 'Nothing is known'),
        ({'best': None, 'least_seconds': 900.0}, '600 s pay for no three replicates: these take 900 s; drop', 'archlab run'),
    ],
)
def test_doubts_are_told(fields, there, silent):
    told = ' '.join(shown({**FACTS, **fields}))
    assert there in told and silent not in told
    assert there not in ' '.join(shown(FACTS))


def test_without_a_time_there_is_no_budget():
    untimed = {name: value for name, value in FACTS.items() if name not in ('best', 'next_hour')}
    told = shown({**untimed, 'declared': {**SETTING, 'seconds': None}})
    assert told[1] == 'As declared: 8 trials, 3 seeds, 5 replicates, 1,234 runs in all'
    assert told[-1] == 'No run has told how long it takes, so nothing can be said of a budget'


@pytest.mark.parametrize(
    ('assumed', 'last'),
    [
        (0.8765, 'Assumed, not measured: if confirmation seeds were all that varies, it would find effects of 0.88 standard'),
        (None, 'As declared: 8 trials'),
    ],
)
def test_before_a_look_is_recorded_a_pilot_is_advised(assumed, last):
    pilot = {**SETTING, 'replicates': 3, 'runs': 12, 'seconds': 5.0}
    told = shown({'study': 'mine', 'known': False, 'pilot': pilot, 'declared': SETTING, 'assumed': assumed})
    assert (
        told[0].startswith('mine: no look is recorded whole')
        and 'pilot: 3 replicates, 12 runs, about 5 s of training.' in told[0]
    )
    assert told[-1].startswith(last) and len(told) == (2 if assumed is None else 3)
