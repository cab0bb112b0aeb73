"""Status: what is done, and what a study that grew or changed still uses of its records."""

import dataclasses

import pytest

from ablations.config import swap
from ablations.study import Study
from results.status import progress_of, sentence
from results.store.reading import Reading
from sweeps.protocol.packing import pack
from sweeps.protocol.plan import plan, schedule
from sweeps.protocol.simulate import World, simulated_record
from sweeps.training.record import describe

STUDY = Study(
    name='counted',
    question='How far?',
    arms={'base': (), 'other': swap('norm', 'rms_norm')},
    tasks=('digits', 'recall'),
    trials=8,
    replicates=2,
)


def run() -> dict:
    records: dict[str, dict] = {}
    while plan(STUDY, records, {}):
        for item in pack(STUDY, schedule(STUDY, records, {}).trials, {}):
            for trial in item.trials:
                made = {**describe(trial), **simulated_record(STUDY, World(cliff=2.0), trial, 0)}
                records.setdefault(trial.id, {**made, 'reason': '', 'pack': {'id': item.id}})
    return records


RECORDS = run()


def test_a_finished_study():
    fact = progress_of(Reading(STUDY, schedule(STUDY, RECORDS, {}), RECORDS))
    assert fact['planned'] == fact['done'] == fact['ok'] == len(RECORDS)
    assert (fact['complete'], fact['look'], fact['unplanned_records'], fact['unplanned_arms']) == (True, 2, 0, {})
    assert sentence(fact).endswith('0 failed; complete')


def test_arms_that_gave_nothing_and_doubled_trials_are_said():
    lost = {key: {**row, 'status': 'diverged', 'score': None} if row['arm'] == 'other' else row for key, row in RECORDS.items()}
    reading = Reading(STUDY, schedule(STUDY, RECORDS, {}), lost, doubled=('one', 'two'))
    said = sentence(progress_of(reading))
    assert "; every run of 'other' on digits diverged (" in said and '; 2 trials have two records' in said


def test_a_grown_study_counts_what_it_uses_again():
    grown = dataclasses.replace(STUDY, arms={**STUDY.arms, 'more': ()}, replicates=3, looks=())
    planned = schedule(grown, RECORDS, {})
    fact = progress_of(Reading(grown, planned, RECORDS))
    used = [t for t in planned.trials if t.id in RECORDS]
    assert fact['done'] == len(used) > 0
    assert fact['planned'] == len(planned.trials) > fact['done'] and not fact['complete']
    assert fact['unplanned_records'] == len(RECORDS) - len(used)


def test_what_is_no_longer_planned_is_named_by_arm_and_pack():
    fewer = dataclasses.replace(STUDY, arms={'base': ()}, tasks=('digits',))
    fact = progress_of(Reading(fewer, schedule(fewer, RECORDS, {}), RECORDS))
    left = [row for row in RECORDS.values() if row['arm'] != 'base' or row['task'] != 'digits']
    assert fact['complete'] and fact['unplanned_records'] == len(left)
    counts = {arm: sum(row['arm'] == arm for row in left) for arm in ('base', 'other')}
    assert fact['unplanned_arms'] == counts
    assert fact['unplanned_packs'] == sorted({row['pack']['id'] for row in left})
    said = sentence(fact)
    assert (
        f'{len(left)} records are no longer planned and ignored: {counts["base"]} of base, {counts["other"]} of other' in said
    )
    assert f'and {len(fact["unplanned_packs"]) - 3} more)' in said


def test_failures_are_counted_once_and_said():
    trials = schedule(STUDY, {}, {}).trials[:3]
    failed = {t.id: {**RECORDS[t.id], 'status': 'failed', 'reason': 'out of memory'} for t in trials[:2]}
    some = {**failed, trials[2].id: {**RECORDS[trials[2].id], 'status': 'diverged'}}
    fact = progress_of(Reading(STUDY, schedule(STUDY, some, {}), some, skipped=('a file',)))
    assert (fact['ok'], fact['diverged'], fact['failed']) == (0, 1, 2)
    assert (fact['failures'], fact['skipped_files']) == (['out of memory'], ['a file'])
    reason = 'every run of the study diverged or failed (3 of 3)'
    assert sentence(fact).endswith(f'2 failed; not complete; failed: out of memory; {reason}')


FACT = {'planned': 9, 'done': 4, 'ok': 3, 'diverged': 1, 'failed': 0, 'complete': False, 'failures': [], 'doubled': []}
FACT |= {'unplanned_records': 0, 'unplanned_arms': {}, 'unplanned_packs': [], 'barren': []}


@pytest.mark.parametrize(
    ('more', 'said'),
    [
        ({}, '4 of 9 planned trials done: 3 ok, 1 diverged, 0 failed; not complete'),
        ({'complete': True}, '4 of 9 planned trials done: 3 ok, 1 diverged, 0 failed; complete'),
        ({'stopped': 2}, '4 of 9 planned trials done: 3 ok, 1 diverged, 0 failed, 2 up to a stop; not complete'),
        ({'stopped': 0}, '4 of 9 planned trials done: 3 ok, 1 diverged, 0 failed; not complete'),
        ({'failures': ['a', 'b'], 'barren': ['c', 'd']}, '; not complete; failed: a; failed: b; c; d'),
        ({'doubled': ['x']}, '; not complete; 1 trials have two records, of which the first counts'),
    ],
)
def test_each_count_has_its_words(more, said):
    assert sentence({**FACT, **more}).endswith(said)


@pytest.mark.parametrize(('count', 'told'), [(1, 'p0'), (3, 'p0, p1, p2'), (4, 'p0, p1, p2 and 1 more')])
def test_three_packs_are_named(count, told):
    packs = [f'p{number}' for number in range(count)]
    said = sentence({**FACT, 'unplanned_records': 7, 'unplanned_arms': {'b': 7}, 'unplanned_packs': packs})
    assert said.endswith(f'; 7 records are no longer planned and ignored: 7 of b (packs {told})')
