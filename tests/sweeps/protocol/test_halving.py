"""Halving: the worse half of a wave stops, by records alone, alike for every arm, and never shows a score."""

import dataclasses
import functools
import math
import random
from pathlib import Path

import numpy as np
import pytest

from ablations.config import swap
from ablations.definition import study_of
from ablations.spaces import choice, log
from ablations.study import Study
from ablations.tasks import task
from ablations.trial import TEST, Trial, trial_id
from results.barren import barren
from results.budgets import equalities
from results.evidence import findings
from results.expected_best import curves
from results.good_window import windows
from results.ledger import ledger
from results.regret import losses_of_half, regrets
from results.report.sections import expected_grid, ledger_grid
from results.runs import Runs
from results.sensitivity import sensitivities
from results.status import progress_of, sentence
from results.stops import stops
from results.store.own_ids import own_id
from results.store.reading import Reading
from results.tables.notes import note
from results.tables.study_facts import study_facts
from results.verify import verify
from sweeps.progress import best_scores, expected_trials
from sweeps.protocol.cells import HALVINGS
from sweeps.protocol.halving import better_half, ends
from sweeps.protocol.pack import Pack
from sweeps.protocol.packing import pack
from sweeps.protocol.plan import plan, schedule
from sweeps.protocol.simulate import World, simulate, simulated_record
from sweeps.protocol.world_studies import conclusion_of
from sweeps.training.record import describe
from sweeps.training.saving import PAUSES, tidy_pauses

STUDY = Study(
    name='halved',
    question='Which runs are hopeless?',
    arms={'base': (), 'other': swap('norm', 'rms_norm')},
    tasks=(task('digits', steps=40, evaluations=2),),
    tune={'adamw': {'lr': log(1e-3, 1e-1), 'weight_decay': log(1e-3, 1.0)}},
    trials=10,
    replicates=3,
    looks=(2, 3),
    seeds=2,
    halvings=(0.25, 0.5),
)
WORLD = World(noise=0.05, blur=0.05, cliff=9.0)
SEED = 3


@functools.cache
def simulated(**fields: object) -> tuple[Study, object, dict]:
    study = dataclasses.replace(STUDY, **fields)
    return study, *simulate(study, WORLD, SEED)


@functools.cache
def reading() -> Reading:
    study, planned, records = simulated()
    told = {trial.id: {**describe(trial), **records[trial.id], 'pack': {'id': 'p'}} for trial in planned.trials}
    return Reading(study, planned, told, {'costs': {}})


def test_every_wave_is_halved_at_every_stop_alike_in_every_arm():
    study, planned, _ = simulated()
    for arm in study.arms:
        for replicate in range(3):
            tuned = planned.asked['tune', arm, 'digits', replicate]
            # Six, two and two trials at a time: of these three, one and one go on at first, then two, one and one.
            assert [trial.steps for trial in tuned].count(10) == 5 and [trial.steps for trial in tuned].count(20) == 1
            assert [trial.steps for trial in tuned].count(40) == 4 and len(tuned) == 10
            assert all(not t.until for t in planned.asked['confirm', arm, 'digits', replicate])
    assert {trial.until for trial in planned.trials if trial.held == TEST} == {0}
    assert all(one.equal for one in equalities(study, planned, {}, {}) if one.phase != 'share')
    assert planned.budgets['base', 'digits']['steps'] == 3 * (5 * 10 + 20 + 4 * 40)
    assert planned.budgets['base', 'digits']['examples'] == 3 * (5 * 10 + 20 + 4 * 40) * study.tasks[0].batch
    assert expected_trials(study, planned) == len(planned.trials) == 2 * 3 * (10 + 5 + 4 + 2)


def test_the_better_half_goes_on_by_what_it_scored_at_the_stop():
    _, planned, records = simulated(halvings=(0.25,))
    first = [trial for trial in planned.asked['tune', 'base', 'digits', 0] if trial.phase == 'tune']
    at_stop = {trial.whole().id: records[trial.up_to(0.25).id]['score_until'] for trial in first}
    on = {trial.id for trial in first if not trial.until}
    assert on == set(sorted(at_stop, key=at_stop.get)[3:]) and len(on) == 3
    assert all(records[trial.id]['score'] is None for trial in first if trial.until)

    def told(status: str, score: float | None = None, loss: float | None = 1.0) -> dict:
        return {'status': status, 'score_until': score, 'final_loss': loss}

    cases = {
        # Equal scores: by the loss, then by their order. What diverged or failed goes on only where too few others are left.
        (0, 3): [told('stopped', 0.5, 0.1), told('stopped', 0.5, 0.3), told('stopped', 0.5, None), told('stopped', 0.5, 0.2)],
        (0, 1): [told('stopped', 0.5), told('stopped', 0.5), told('stopped', 0.5)],
        (1, 2): [told('diverged'), told('stopped', 0.2), told('stopped', 0.1), told('failed')],
        (0, 2): [told('failed'), told('diverged'), told('stopped', -9.0), told('diverged')],
        (0,): [told('stopped', 0.5)],
    }
    for places, rows in cases.items():
        some = [dataclasses.replace(first[0], seed=number) for number in range(len(rows))]
        assert better_half(1, some, dict(zip([t.id for t in some], rows, strict=True))) == list(places), rows
    lower = [dataclasses.replace(first[0], seed=number) for number in range(2)]
    assert better_half(-1, lower, {lower[0].id: told('stopped', 0.4), lower[1].id: told('stopped', 0.2)}) == [1]


@pytest.mark.parametrize('fields', [{}, {'search': 'tpe', 'extension': 0}, {'screening': 4}], ids=str)
def test_the_plan_follows_from_records_whoever_was_first(fields):
    """Runs end in any order and a run may be killed at any moment: the same trials, none twice."""
    if 'screening' in fields:
        fields = {**fields, 'tune': {**STUDY.tune, 'sgd': {'lr': log(1e-2, 3.0), 'weight_decay': log(1e-5, 1e-2)}}}
    study = dataclasses.replace(STUDY, replicates=2, looks=(2,), **fields)
    planned, records = simulate(study, WORLD, SEED)
    chance, own = random.Random(0), {}
    while wanted := plan(study, own, {}):
        for trial in chance.sample(wanted, max(1, len(wanted) // 2)):
            assert trial.id not in own
            own[trial.id] = {**describe(trial), **simulated_record(study, WORLD, trial, SEED)}
    assert own.keys() == records.keys() and schedule(study, own, {}).selections == planned.selections


def test_recorded_batches_are_not_proposed_again(monkeypatch: pytest.MonkeyPatch):
    """Not even those whose runs were all stopped: a proposal's last bits differ between machines."""
    study = dataclasses.replace(STUDY, search='tpe', extension=0, replicates=1, looks=(1,))
    planned, records = simulate(study, WORLD, SEED)
    told = {trial.id: {**describe(trial), **records[trial.id]} for trial in planned.trials}
    monkeypatch.setattr('sweeps.protocol.tuning.propose', lambda *_: pytest.fail('proposed again'))
    assert [trial.id for trial in schedule(study, told, {}).trials] == [trial.id for trial in planned.trials]


def test_packs_have_runs_of_one_length_and_survive_the_pipe():
    study, planned, _ = simulated()
    packs = pack(study, planned.trials, {'strategy': 'vmap', 'lanes': 256})
    assert {len({trial.until for trial in one.trials}) for one in packs} == {1}
    assert Pack.from_dict(packs[0].to_dict()) == packs[0] and packs[0].trials[0].until == 10
    assert [trial.id for one in packs for trial in one.trials].sort() == [trial.id for trial in planned.trials].sort()


def test_a_run_that_goes_on_is_the_trial_that_never_stopped():
    study, planned, _ = simulated()
    whole = planned.asked['tune', 'base', 'digits', 0][0].whole()
    fields = whole.program.id, whole.replicate, whole.knobs, whole.seed, whole.held
    assert whole.id == trial_id(*fields) == trial_id(*fields, 0) != trial_id(*fields, 10) == whole.up_to(0.25).id
    assert whole.up_to(0.25).whole().id == whole.id and whole.up_to(1e-9).until == 1
    assert 'halvings' not in dataclasses.replace(study, halvings=()).to_dict()
    assert study_of(study.to_dict()).digest == study.digest != dataclasses.replace(study, halvings=()).digest
    for trial in (whole, whole.up_to(0.25), whole.up_to(0.5)):
        points = list(range(0, trial.steps, 20)) + [trial.steps]
        told = {**describe(trial), 'status': 'stopped', 'curve': {'step': points}}
        assert own_id(told) == trial.id and own_id({**told, 'until': 30}) != trial.id


def test_the_expected_end_is_the_score_at_the_stop_and_what_others_gained():
    _, planned, _ = simulated(halvings=(0.25,))
    trials = [trial.whole() for trial in planned.asked['tune', 'base', 'digits', 0][:5]]
    stopped, records = [trial.up_to(0.25) for trial in trials], {}
    for trial, score in zip(stopped, (0.3, 0.0, 0.1, 0.2, 0.3), strict=True):
        records[trial.id] = {'status': 'stopped', 'score_until': -score}
    for trial, score in zip(trials[:3], (0.4, 0.2, 0.35), strict=True):
        records[trial.id] = {'status': 'ok', 'score': -score}
    now = [*trials[:3], *stopped[3:]]
    # They gained .1, .2 and .25.
    assert ends(-1, now, records, (0.25,)).tolist() == pytest.approx([0.4, 0.2, 0.35, 0.2 + 0.2, 0.3 + 0.2])
    records[trials[2].id] = {'status': 'diverged', 'score': None}
    assert ends(-1, now, records, (0.25,)).tolist() == pytest.approx([0.4, 0.2, -math.inf, 0.2 + 0.15, 0.3 + 0.15])
    for trial in trials[:3]:
        records[trial.id] = {'status': 'diverged', 'score': None}
    assert ends(-1, now, records, (0.25,))[3:].tolist() == pytest.approx([0.2, 0.3])
    records[stopped[4].id] = {'status': 'diverged', 'score_until': None}
    assert ends(-1, now, records, (0.25,))[4] == -math.inf


def test_stopped_runs_are_counted_and_never_shown_as_scores():
    one = reading()
    study, planned, records = one.study, one.schedule, one.records
    assert stops(planned) == (2 * 3 * 6, 2 * 3 * 10)
    said = 'Tuning stops the worse half of its runs at 0.25 and 0.5 of their steps: 36 of 60 so far'
    made = findings(one)
    assert said in note(made, facts=study_facts(one, made))
    (rule,) = [check for check in verify(one) if check.rule == 'stopped runs are counted']
    assert rule.holds and said[1:] in rule.why and 'not promised' in rule.why
    (budget,) = [check for check in verify(one) if check.rule == 'every arm has the same budget']
    assert budget.holds
    fact = progress_of(one)
    assert fact['stopped'] == 2 * 3 * 15 and f'{fact["stopped"]} up to a stop' in sentence(fact)
    account = ledger(one)
    (line,) = [line for line in account.lines if (line.arm, line.phase) == ('base', 'tune')]
    assert (line.ok, line.stopped, line.spent.steps) == (3 * 4, 3 * 6, 3 * (5 * 10 + 20 + 4 * 40))
    assert account.equal and account.unplanned['trials'] == 0
    assert any(said in told for told in ledger_grid(one)[0]['notes'])
    # What all runs of a tuning say together is not said.
    runs = Runs(one, 'base', study.tasks[0])
    assert runs.tuned('adamw', 0) is None and (runs.scores(runs.asked('tune', 0), np.nan) != runs.chance).all()
    assert curves(one) == [] and windows(one) == [] and sensitivities(one) == [] and regrets(one) == []
    assert losses_of_half(one) == {'digits': None}
    assert 'Not measured' in expected_grid(one)['notes'][0]
    # Before anything has ended, no run is taken for a failure or for a score.
    early = [record for record in records.values() if record['status'] == 'stopped']
    assert barren(early) == [] and best_scores(study, early) == {}


def test_budgets_are_compared_by_length_where_compute_is_matched():
    study = dataclasses.replace(STUDY, halvings=(0.25,))
    matched = dataclasses.replace(study, budget='compute')
    costs = {arm: {'digits': {'flops': flops, 'params': 1, 'macs': 1}} for arm, flops in (('base', 100.0), ('other', 50.0))}
    own = schedule(matched, {}, {'costs': costs})
    assert {t.until for t in own.asked['tune', 'base', 'digits', 0]} == {10}
    assert {t.until for t in own.asked['tune', 'other', 'digits', 0]} == {20}
    own, _ = simulate(matched, WORLD, SEED, manifest={'costs': costs})
    assert [one.equal for one in equalities(matched, own, {}, costs)] == [True, True, True]
    # With other lengths than those of the base they are not equal.
    key = next(key for key in own.asked if key[:2] == ('tune', 'other'))
    wrong = [trial.whole() for trial in own.asked[key]]
    other = dataclasses.replace(own, asked={**own.asked, key: wrong})
    assert equalities(matched, other, {}, costs)[0].equal is False


def test_runs_of_other_batches_stop_after_the_same_examples():
    tune = {'adamw': {**STUDY.tune['adamw'], 'batch': choice(16, 32, 64)}}
    study = dataclasses.replace(STUDY, tasks=(task('digits', steps=80, batch=32, evaluations=2),), tune=tune)
    planned, _ = simulate(study, WORLD, SEED)
    tuned = planned.asked['tune', 'base', 'digits', 0]
    seen = sorted(trial.steps * trial.program.batch for trial in tuned)
    assert seen == [20 * 32] * 5 + [40 * 32] + [80 * 32] * 4 and len({trial.program.batch for trial in tuned}) > 1
    assert planned.budgets['base', 'digits']['examples'] == 3 * sum(seen)
    steps = sum(t.steps for r in range(3) for t in planned.asked['tune', 'base', 'digits', r])
    assert planned.budgets['base', 'digits']['steps'] == steps
    with pytest.raises(ValueError, match=r'0\.0125 of 40 steps of 64 are 0\.5'):
        dataclasses.replace(study, halvings=(0.0125,))


def test_a_stop_in_a_world_has_the_noise_of_the_end_and_more():
    study, planned, _ = simulated(halvings=(0.25,))
    trial: Trial = planned.asked['tune', 'base', 'digits', 0][0].whole()
    stop = trial.up_to(0.25)

    def score(world: World, run: Trial) -> float:
        record = simulated_record(study, world, run, SEED)
        return record['score_until'] if run.until else record['score']

    assert score(World(), stop) == score(World(), trial)
    assert score(World(blur=0.1), stop) != score(World(blur=0.1), trial) == score(World(), trial)
    lost = {apart: score(World(noise=0.0, apart=apart), stop) - score(World(noise=0.0), trial) for apart in (1.0, 3.0)}
    assert lost[1.0] == 0 and lost[3.0] < 0
    low = dataclasses.replace(trial, knobs=(('lr', 1e-3), ('weight_decay', 0.03)))
    assert score(World(slow=0.3), low.up_to(0.25)) < score(World(slow=0.3), low)
    assert simulated_record(study, World(cliff=-9.0), stop, SEED)['status'] == 'diverged'
    cell = HALVINGS['curves, halved']
    one = conclusion_of(0, cell.world, {**cell.fields, 'arms': 2, 'replicates': 2, 'seeds': 1})
    assert one.trials == 2 * 2 * (5 + 5 * 0.3) + 4 and all(np.isfinite(lost) for pair in one.regrets for lost in pair)


def test_pauses_stay_until_their_tuning_is_over(tmp_path: Path):
    study, planned, records = simulated(halvings=(0.25,))
    tuned = planned.asked['tune', 'base', 'digits', 0]
    names = [f'{trial.whole().id}-abc' for trial in tuned] + ['.other.aside-1', 'foreign-abc']

    def left(schedule_then: object, known: dict) -> list[str]:
        for name in names:
            (tmp_path / PAUSES / name).mkdir(parents=True, exist_ok=True)
        tidy_pauses(tmp_path, schedule_then, known)
        return sorted(path.name for path in (tmp_path / PAUSES).iterdir())

    early = schedule(study, {}, {})
    assert left(early, {}) == sorted({f'{t.whole().id}-abc' for t in early.trials} & {*names} | {'.other.aside-1'})
    ended = next(trial.id for trial in tuned if not trial.until)
    first = {key: record for key, record in records.items() if record['status'] == 'stopped'} | {ended: records[ended]}
    assert f'{ended}-abc' not in left(schedule(study, first, {}), first)
    assert left(planned, records) == ['.other.aside-1'], 'confirmation is asked for'
    tidy_pauses(tmp_path / 'nowhere', planned, records)
