"""Screening: every optimizer gets the first trials, the one that is then better the rest, at the same budget for all arms."""

import dataclasses
import functools

import numpy as np
import pytest

from ablations.config import swap
from ablations.definition import study_of
from ablations.spaces import log
from ablations.study import Study
from ablations.trial import AFTER_SCREENING, PHASES, TUNING
from results.budgets import equalities
from results.evidence import findings
from results.expected_best import curves
from results.recipe import in_words, recipe
from results.runs import Runs
from results.selection import select
from results.sensitivity import lr_sensitivity, sensitivities
from results.store.reading import Reading
from results.tables.notes import note
from results.tables.study_facts import study_facts
from results.verify import verify
from sweeps.progress import expected_trials
from sweeps.protocol.halving import scores
from sweeps.protocol.packing import pack
from sweeps.protocol.plan import schedule
from sweeps.protocol.simulate import World, simulate, simulated_record
from sweeps.training.record import describe

TUNE = {
    'adamw': {'lr': log(1e-3, 1e-1), 'weight_decay': log(1e-3, 1.0)},
    'sgd': {'lr': log(1e-2, 3.0), 'weight_decay': log(1e-5, 1e-2)},
}
STUDY = Study(
    name='screened',
    question='Which optimizer?',
    arms={'base': (), 'other': swap('norm', 'rms_norm')},
    tasks=('digits',),
    tune=TUNE,
    trials=10,
    screening=6,
    replicates=3,
    looks=(2, 3),
    seeds=2,
)
WORLDS = {
    'inside': World(cliff=2.0, noise=0.2, about='the better optimizer is a matter of luck'),
    'outside': World(optimum=(1.4, 0.4), cliff=2.0, noise=0.02, shift={'sgd': -0.02}),
    'lost': World(cliff=-9.0),
}


@functools.cache
def simulated(name: str, screening: int = 6, extension: int = 4) -> tuple:
    study = dataclasses.replace(STUDY, screening=screening, extension=extension)
    return study, *simulate(study, WORLDS[name], 0)


@pytest.mark.parametrize('name', WORLDS)
def test_the_better_optimizer_of_each_replicate_gets_the_rest(name):
    study, planned, records = simulated(name)
    assert planned.complete and {trial.phase for trial in planned.trials} <= set(PHASES)
    assert any(planned.extended['digits'].values()) or name == 'inside'
    optimizers = set()
    for arm in study.arms:
        for replicate in range(planned.reached(arm, 'digits', study.looks)):
            tuned = planned.asked['tune', arm, 'digits', replicate]
            first = {o: [t for t in tuned if t.program.optimizer == o and t.phase == 'tune'] for o in TUNE}
            assert {o: len(trials) for o, trials in first.items()} == {'adamw': 6, 'sgd': 6}
            rest = [t.program.optimizer for t in tuned if t.phase != 'tune']
            places = {
                o: np.array([[v.unit(dict(t.knobs)[n]) for n, v in TUNE[o].items()] for t in trials])
                for o, trials in first.items()
            }
            best = select({o: (places[o], scores(1, first[o], records)) for o in TUNE}, TUNE)
            assert rest == [best.optimizer if best else 'adamw'] * 4
            optimizers.update(rest)
    assert optimizers == ({'adamw'} if name == 'lost' else {'adamw', 'sgd'}), 'the world must keep now one, now the other'
    assert len({budget['trials'] for budget in planned.budgets.values()}) == 1
    assert all(one.equal is not False for one in equalities(study, planned, records, {}))


@pytest.mark.parametrize('name', ['inside', 'outside'])
def test_it_asks_for_part_of_what_a_study_without_asks_for(name):
    """Of the optimizer that it keeps, trial by trial; numbered as without."""
    (study, planned, _), (_, whole, _) = simulated(name), simulated(name, screening=0)
    assert AFTER_SCREENING not in {trial.phase for trial in whole.trials}
    for (phase, arm, task, replicate), trials in planned.asked.items():
        if phase == 'tune':
            (optimizer,) = {t.program.optimizer for t in trials if t.phase != 'tune'}
            ids = [t.id for t in whole.asked['tune', arm, task, replicate] if t.program.optimizer == optimizer]
            assert [t.id for t in trials if t.program.optimizer == optimizer] == ids and len(ids) == study.trials


@pytest.mark.parametrize(
    ('extension', 'phases'),
    [(4, ['extend_1', 'extend_2']), (2, [AFTER_SCREENING, 'extend_1', 'extend_2']), (0, [AFTER_SCREENING])],
)
def test_what_it_keeps_for_later_is_shared_with_the_rounds_past_edges(extension, phases):
    _, planned, _ = simulated('inside', extension=extension)
    assert planned.complete
    for key, trials in planned.asked.items():
        if key[0] == 'tune':
            assert list(dict.fromkeys(t.phase for t in trials)) == ['tune', *phases]
            assert sum(t.phase != 'tune' for t in trials) == 4


def test_packs_follow_from_the_plan_and_a_stopped_study_goes_on():
    study, planned, records = simulated('inside')
    first = schedule(study, {}, {})
    assert {trial.phase for trial in first.trials} == {'tune'} and not first.complete
    packs = {item.id: item for item in pack(study, planned.trials, {})}
    assert all(len({(t.phase, t.program.id, t.replicate) for t in p.trials}) == 1 for p in packs.values() if p.held == TUNING)
    # Broken off in the second round: what is asked for stays, pack by pack.
    some = [trial for trial in planned.trials if trial.phase == 'extend_1' and trial.replicate < 2]
    part = {t.id: records[t.id] for t in (*first.trials, *some[::2])}
    again = schedule(study, part, {})
    assert {item.id for item in pack(study, again.trials, {})} < set(packs)
    assert {trial.id for trial in again.trials} == {trial.id for trial in first.trials} | {trial.id for trial in some}
    left = {t.id: simulated_record(study, WORLDS['inside'], t, 0) for t in again.trials}
    assert left.items() <= records.items()


def test_it_is_foreseen_before_it_is_asked_for():
    study, planned, _ = simulated('inside')
    assert study.tuning_runs == 6 + 6 + 4 and dataclasses.replace(study, screening=0).tuning_runs == 20
    assert expected_trials(study, schedule(study, {}, {})) == 2 * 3 * (16 + 2)
    assert expected_trials(study, planned) == len(planned.trials)


def test_what_is_told_of_it():
    study, planned, records = simulated('inside', extension=0)
    reading = Reading(study, planned, records)
    alike = {(curve.optimizer, curve.arm): curve for curve in curves(reading)}
    assert alike['adamw', 'base'].trials == (1, 2, 3, 4, 5, 6)
    both = alike['all', 'base']
    assert both.trials == (2, 4, 6, 8, 10, 12, 13, 14, 15, 16) and (np.diff(both.mean) >= -1e-12).all()
    tuned = planned.asked['tune', 'base', 'digits', 0]
    assert both.replicates[0][-1] == pytest.approx(max(records[trial.id]['score'] for trial in tuned))
    # Both optimizers are measured by as many trials in every arm, kept or not.
    measured = {(one.arm, one.optimizer): one for one in sensitivities(reading)}
    runs = Runs(reading, 'base', study.tasks[0])
    for optimizer in TUNE:
        for replicate in range(3):
            own = runs.tuned_alike(optimizer, replicate)
            losses = np.array([records[t.id]['final_loss'] for t in own])
            assert len(own) == 6 and {t.phase for t in own} == {'tune'}
            told = lr_sensitivity(runs.units(own), losses, np.full(6, 2.0), [True, True])
            assert measured['base', optimizer].replicates[replicate] == pytest.approx(told)
    point = recipe(reading, 'base')['digits']['replicates'][0]
    assert sorted(point['trials'].values()) == [6, 10] and '10 trials of' in in_words('base', recipe(reading, 'base'))[1]
    said = {trial.id: {**describe(trial), **records[trial.id]} for trial in planned.trials}
    (rule,) = [check for check in verify(Reading(study, planned, said)) if check.rule == 'every arm has the same budget']
    assert rule.holds and 'arm and task: 16, the first 6 of each optimizer, the rest of the better one' in rule.why


def test_tables_say_it():
    study, planned, records = simulated('inside')
    reading = Reading(study, planned, records)
    made = findings(reading)
    said = 'Every optimizer was tuned with 6 trials; the one that was then better in a replicate of an arm got 10 in all'
    assert said in note(made, facts=study_facts(reading, made))
    plain = dataclasses.replace(study_facts(reading, made), screening=0)
    assert 'in all' not in note(made, facts=plain)


@pytest.mark.parametrize(
    ('fields', 'said'),
    [
        ({'tune': {'adamw': TUNE['adamw']}}, "of one optimizer, ['adamw']; allowed: 0, or tune two or more optimizers"),
        ({'screening': 3}, 'screening=3 of trials=10; allowed: 0, or from 4, which a surface needs, to trials - 1'),
        ({'screening': 10}, 'screening=10 of trials=10'),
        ({'screening': -1}, 'allowed: a whole number from 0 to 100,000'),
        ({'screening': True}, 'allowed: a whole number from 0 to 100,000'),
        ({'search': 'tpe'}, "with search='tpe'; allowed: 0, or a search whose first points depend neither"),
        ({'search': 'grid'}, "['sobol', 'random']"),
    ],
    ids=str,
)
def test_what_cannot_be_screened_is_refused(fields, said):
    with pytest.raises(ValueError) as refused:
        dataclasses.replace(STUDY, **fields)
    assert said in str(refused.value)


def test_a_study_without_says_nothing_of_it_and_one_with_is_kept():
    plain = dataclasses.replace(STUDY, screening=0)
    assert 'screening' not in plain.to_dict() and STUDY.to_dict()['screening'] == 6
    assert study_of(STUDY.to_dict()) == STUDY and study_of(plain.to_dict()) == plain
