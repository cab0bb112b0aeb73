"""The ledger: counts by hand, and what makes budgets unequal."""

import dataclasses
import json

import pytest

from ablations.study import Study
from results.ledger import PHASES, Amount, amount, ledger
from results.store.reading import Reading
from sweeps.protocol.plan import schedule as schedule_of
from sweeps.protocol.simulate import World, simulate

ARMS = ('base', 'arm', 'other')
FLOPS = {'base': 100, 'arm': 90, 'other': 110}


def told(world: World | None = None, **fields: object) -> tuple:
    """A study of two optimizers whose first range is extended, its records with times, and a manifest."""
    adamw = Study(name='told', question='?', arms={'base': ()}, tasks=('digits',)).tune['adamw']
    asked = {'arms': dict.fromkeys(ARMS, ()), 'tasks': ('digits', 'recall'), 'tune': {'adamw': adamw, 'sgd': adamw}}
    study = Study(
        **{
            'name': 'told',
            'question': '?',
            'trials': 8,
            'extension': 3,
            'replicates': 3,
            'seeds': 2,
            'share': True,
            **asked,
            **fields,
        }
    )
    _, records = simulate(study, world or World(optimum=(1.3, 0.5), noise=0.01, cliff=9.0), seed=0)
    for record in records.values():
        record['cost'] = {'seconds': 0.5, 'steps': 1}
    costs = {arm: {task.name: {'flops': FLOPS[arm]} for task in study.tasks} for arm in study.arms}
    manifest = {'costs': costs, 'test_reads': {'digits': 40, 'recall': 37}}
    return study, schedule_of(study, records, manifest), records, manifest


def lines(account) -> dict:
    return {(line.arm, line.task, line.phase): line for line in account.lines}


def test_counts_by_hand():
    study, schedule, records, manifest = told()
    account = ledger(Reading(study, schedule, records, manifest))
    by = lines(account)
    assert list(by) == [(a, t.name, p) for t in study.tasks for a in ARMS for p in PHASES]
    assert all(schedule.extended.values()), 'the world must make the study extend'
    for (arm, task, phase), line in by.items():
        item = study.task(task)
        trials = 3 * {'tune': 8 * 2, 'confirm': 2, 'share': 2}[phase]
        wanted = Amount(trials, trials * item.steps, trials * item.steps * item.batch, trials * item.steps * FLOPS[arm])
        assert line.planned == wanted
        reused = trials if (arm, phase) == ('base', 'share') else 0
        assert line.reused == reused, "the base's shared runs are its confirmation"
        assert line.spent == (wanted if not reused else Amount())
        assert line.seconds == pytest.approx(0.5 * (trials - reused))
        assert (line.ok, line.diverged, line.failed, line.unmeasured) == (trials - reused, 0, 0, 0)
        assert line.test_reads == (trials - reused if phase in ('confirm', 'share') else 0)
    assert account.equal
    assert {(one.task, one.phase): one.equal for one in account.equality} == dict.fromkeys(
        [(t.name, p) for t in study.tasks for p in PHASES], True
    )
    plain = json.loads(json.dumps(account.to_dict(), allow_nan=False))
    assert (
        plain['equal'] is True and len(plain['lines']) == len(account.lines) and plain['totals'].keys() == account.totals.keys()
    )


def test_tuning_is_the_budget_of_the_plan():
    study, schedule, records, manifest = told()
    by = lines(ledger(Reading(study, schedule, records, manifest)))
    for (arm, task), budget in schedule.budgets.items():
        tuning = by[arm, task, 'tune'].planned
        assert {key: budget[key] for key in ('trials', 'steps', 'examples', 'flops')} == dataclasses.asdict(tuning)


def test_later_batches_of_a_search_are_tuning():
    study, schedule, records, manifest = told()
    key = 'tune', 'arm', 'digits', 0
    later = [dataclasses.replace(t, phase='tune_2') if t.phase == 'tune' else t for t in schedule.asked[key]]
    schedule = dataclasses.replace(schedule, asked={**schedule.asked, key: later})
    assert lines(ledger(Reading(study, schedule, records, manifest)))['arm', 'digits', 'tune'].spent.trials == 48


def test_totals_count_every_run_once():
    study, schedule, records, manifest = told()
    account = ledger(Reading(study, schedule, records, manifest))
    total = account.totals['all']
    assert total['planned'] == total['spent'] == amount(schedule.trials, manifest['costs'])
    assert total['spent'].trials == len(records)
    assert total['seconds'] == pytest.approx(0.5 * len(records))
    assert sum(account.totals[phase]['spent'].trials for phase in PHASES) == len(records)
    on_test = sum(record['held'] == 'test' for record in records.values())
    assert total['test_reads'] == on_test == sum(reads['recorded'] for reads in account.test_reads.values())
    assert {name: reads['counted'] for name, reads in account.test_reads.items()} == manifest['test_reads']
    assert account.unplanned == {'trials': 0, 'seconds': 0.0}


def test_diverged_and_failed_runs_are_charged_in_full():
    study, schedule, records, manifest = told()
    first, second, third = schedule.asked['tune', 'arm', 'digits', 0][:3]
    records[first.id] |= {'status': 'diverged', 'score': None}
    records[second.id] = {'id': second.id, 'status': 'failed', 'score': None, 'environment': {}}
    records[third.id] |= {'cost': {'seconds': None}}
    line = lines(ledger(Reading(study, schedule, records, manifest)))['arm', 'digits', 'tune']
    assert line.spent == line.planned
    assert (line.ok, line.diverged, line.failed, line.unmeasured) == (46, 1, 1, 2)
    assert line.seconds == pytest.approx(0.5 * 46)


def test_what_is_not_recorded_is_planned_but_not_spent():
    study, schedule, records, manifest = told()
    gone = schedule.asked['tune', 'arm', 'digits', 1][:3]
    left = {key: record for key, record in records.items() if key not in [trial.id for trial in gone]}
    line = lines(ledger(Reading(study, schedule, left, manifest)))['arm', 'digits', 'tune']
    assert (line.planned.trials, line.spent.trials) == (48, 45)
    nothing = ledger(Reading(study, schedule_of(study, {}, {}), {}))
    assert nothing.totals['all']['spent'] == Amount()
    assert [(one.equal, one.why) for one in nothing.equality[1:3]] == [(None, 'nothing is asked for yet')] * 2
    assert nothing.equal


def test_records_that_nothing_asks_for_are_counted_apart():
    study, schedule, records, manifest = told()
    stray = {'id': 'stray', 'status': 'ok', 'cost': {'seconds': 7.0}}
    account = ledger(Reading(study, schedule, {**records, 'stray': stray}, manifest))
    assert account.unplanned == {'trials': 1, 'seconds': 7.0}
    for cost in ({}, {'cost': None}, {'cost': {}}, {'cost': {'seconds': None}}):
        untimed = ledger(Reading(study, schedule, {**records, 'stray': {'id': 'stray', 'status': 'ok', **cost}}, manifest))
        assert untimed.unplanned == {'trials': 1, 'seconds': 0.0}
    assert account.totals == ledger(Reading(study, schedule, records, manifest)).totals


@pytest.mark.parametrize(
    ('phase', 'cut', 'said'),
    [
        ('tune', 'tune', 'arm replicate 1: 15 trials; base replicate 0: 16'),
        ('tune', 'extend_1', 'arm replicate 1: 15 trials; base replicate 0: 16'),
        ('confirm', 'confirm', 'arm replicate 1: 1 trials; base replicate 0: 2'),
        ('share', 'share', 'arm replicate 1: 1 trials; base replicate 0: 2'),
    ],
)
def test_the_first_difference_is_named(phase, cut, said):
    study, schedule, records, manifest = told()
    key = (phase, 'arm', 'digits', 1)
    trials = schedule.asked[key]
    left = list(trials)
    left.remove(next(trial for trial in trials if trial.phase == cut))
    account = ledger(Reading(study, dataclasses.replace(schedule, asked={**schedule.asked, key: left}), records, manifest))
    wrong = [one for one in account.equality if not one.equal]
    assert [(one.task, one.phase) for one in wrong] == [('digits', phase)]
    assert wrong[0].why == said
    assert not account.equal


def test_an_arm_with_more_steps_is_unequal():
    study, schedule, records, manifest = told()
    key = ('tune', 'other', 'recall', 0)
    more = [dataclasses.replace(t, program=dataclasses.replace(t.program, steps=201)) for t in schedule.asked[key]]
    account = ledger(Reading(study, dataclasses.replace(schedule, asked={**schedule.asked, key: more}), records, manifest))
    wrong = next(one for one in account.equality if not one.equal)
    assert wrong.why == 'other replicate 0: 3,216 steps; base replicate 0: 3,200'


def test_under_equal_compute_flops_are_compared_not_steps():
    study, schedule, records, manifest = told(tasks=('digits',))
    study = dataclasses.replace(study, budget='compute')
    wrong = [one.why for one in ledger(Reading(study, schedule, records, manifest)).equality if not one.equal]
    assert wrong[0] == 'arm replicate 0: 201,600 flops; base replicate 0: 224,000'
    steps = {'base': 140, 'arm': 156, 'other': 127}
    asked = {
        key: [dataclasses.replace(t, program=dataclasses.replace(t.program, steps=steps[t.arm])) for t in trials]
        for key, trials in schedule.asked.items()
    }
    schedule = dataclasses.replace(schedule, asked=asked)
    equality = ledger(Reading(study, schedule, records, manifest)).equality
    assert [one.equal for one in equality] == [True] * 3
    assert equality[0].why == '16 trials, 224,000 flops for each of 9 replicates of 3 arms'
    assert {one.equal for one in ledger(Reading(study, schedule, records)).equality} == {None}


def test_without_costs_flops_are_not_known():
    study, schedule, records, _ = told()
    account = ledger(Reading(study, schedule, records))
    assert {line.planned.flops for line in account.lines} == {None}
    assert account.totals['all']['planned'].flops is None
    assert account.totals['all']['planned'].trials == len(records)
    assert account.equal
    assert {reads['counted'] for reads in account.test_reads.values()} == {None}


def test_an_arm_that_always_diverged_has_nothing_confirmed_and_that_is_named():
    study, schedule, records, manifest = told(World(), trials=4, extension=0)
    for trial in schedule.trials:
        if trial.arm == 'arm':
            records[trial.id] |= {'status': 'diverged', 'score': None, 'final_loss': None}
    account = ledger(Reading(study, schedule_of(study, records, manifest), records, manifest))
    assert lines(account)['arm', 'digits', 'confirm'].planned.trials == 0
    # It had the same chance, so its budget is not unequal; that it confirms nothing is said.
    assert account.equal
    by = {(one.task, one.phase): one for one in account.equality}
    lost = '3 replicates have nothing to confirm, since every tuning run diverged or failed'
    assert by['digits', 'confirm'].why.endswith(f'for each of 6 replicates of 2 arms; {lost}')
    assert 'nothing to confirm' not in by['digits', 'share'].why, "it still runs at the base's recipe"
