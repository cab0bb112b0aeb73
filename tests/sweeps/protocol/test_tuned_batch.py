"""The batch as a tuned value: a program for each, equal examples in every run, the selected one confirmed."""

import numpy as np
import pytest

from ablations.config import swap
from ablations.spaces import choice, integer, log
from ablations.study import Study
from ablations.tasks import task
from results.budgets import equalities
from results.ledger import ledger
from results.recipe import in_words, recipe
from results.store.reading import Reading
from sweeps.protocol.pack import Pack
from sweeps.protocol.packing import pack
from sweeps.protocol.plan import plan, schedule, steps
from sweeps.protocol.simulate import World, simulate, simulated_record

SPACE = {'lr': log(1e-3, 5e-2), 'weight_decay': log(1e-3, 1.0)}
COSTS = {'costs': {arm: {'digits': {'flops': 100.0}} for arm in ('base', 'other')}}


def study(**fields):
    given = {'name': 'batches', 'question': 'Which batch?', 'arms': {'base': (), 'other': swap('norm', 'rms_norm')}}
    given |= {'tasks': (task('digits', steps=40, batch=32, evaluations=5),), 'trials': 6, 'replicates': 2, 'seeds': 2}
    return Study(**{**given, 'tune': {'adamw': {**SPACE, 'batch': choice(16, 32, 64)}}, 'share': True, **fields})


@pytest.fixture(scope='module')
def planned():
    """The study, its whole schedule and its records."""
    own, records = study(), {}
    while wanted := plan(own, records, COSTS):
        records |= {trial.id: simulated_record(own, World(cliff=2.0), trial, 0) for trial in wanted}
    return own, schedule(own, records, COSTS), records


def test_every_batch_is_a_program_and_every_run_sees_the_same_examples(planned):
    _, whole, _ = planned
    lengths = {16: 80, 32: 40, 64: 20}
    assert {trial.program.batch for trial in whole.trials} == set(lengths)
    for trial in whole.trials:
        assert dict(trial.knobs)['batch'] == trial.program.batch and trial.program.steps == lengths[trial.program.batch]
    assert len({trial.program.signature for trial in whole.trials if trial.arm == 'base'}) == 3
    packs = pack(planned[0], whole.trials, COSTS)
    assert all(len({trial.program.id for trial in one.trials}) == 1 for one in packs)
    assert sum(len(one.trials) for one in packs) == len(whole.trials)
    again = Pack.from_dict(packs[0].to_dict())
    assert again.id == packs[0].id and again.program == packs[0].program


def test_the_selected_batch_is_confirmed_and_shared(planned):
    own, whole, _ = planned
    for phase, of in (('confirm', 'other'), ('share', own.base)):
        for replicate in range(2):
            point = dict(whole.selections[of, 'digits', replicate].knobs)
            trials = whole.asked[phase, 'other', 'digits', replicate]
            assert {trial.program.batch for trial in trials} == {point['batch']} and len(trials) == 2


def test_budgets_are_equal_in_examples_and_the_ledger_says_so(planned):
    own, whole, records = planned
    for one in equalities(own, whole, records, COSTS['costs']):
        assert one.equal is True and 'examples' in one.why and 'steps' not in one.why
    lines = ledger(Reading(own, whole, records, COSTS)).lines
    for line in lines:
        assert line.planned.examples == line.planned.trials * 1280
        assert line.planned.flops == line.planned.trials * 40 * 100
        assert line.spent.flops == line.spent.trials * 40 * 100 and line.spent.trials + line.reused == line.planned.trials
    budget = whole.budgets['base', 'digits']
    tuned = [trial.program for replicate in range(2) for trial in whole.asked['tune', 'base', 'digits', replicate]]
    assert budget['steps'] == sum(one.steps for one in tuned) and budget['flops'] == 12 * 4000
    assert budget['examples'] == 12 * 1280


def test_a_run_of_other_examples_is_seen(planned):
    own, whole, records = planned
    first = whole.asked['tune', 'other', 'digits', 0][0].id
    other = {**records, first: {**records[first], 'steps': 7}}
    tuned = next(one for one in equalities(own, whole, other, COSTS['costs']) if one.phase == 'tune')
    assert tuned.equal is False and 'other replicate 0: ' in tuned.why and 'examples' in tuned.why


def test_a_recipe_names_the_batch_and_the_examples(planned):
    own, whole, records = planned
    facts = recipe(Reading(own, whole, records, COSTS), 'other')
    lines = in_words('other', facts)
    assert facts['digits']['steps'] == 40 and facts['digits']['batch'] == 32
    assert lines[0] == 'digits  40 steps of 32, or as many as make 1,280 examples' and 'batch ' in lines[1]


def test_the_tasks_own_batch_is_the_program_of_old():
    own, plain = study(), study(tune={'adamw': SPACE})
    old = plain.program('base', 'digits', 'adamw')
    assert own.program('base', 'digits', 'adamw').at({'batch': 32.0, 'lr': 0.1}).id == old.id
    assert old.at({'lr': 0.1}) is old and old.at({'batch': 64.0}).id != old.id
    assert not plain.tunes_batch and own.tunes_batch


@pytest.mark.parametrize(
    ('fields', 'why'),
    [
        ({'tune': {'adamw': {**SPACE, 'batch': choice(16, 48)}}}, 'batch 48 .* makes 26.6667 steps of 1280 examples'),
        (
            {'tune': {'adamw': {**SPACE, 'batch': choice(32, 256)}}},
            'batch 256 .* makes 5 steps',
        ),
        ({'tune': {'adamw': {**SPACE, 'batch': integer(16, 64)}}}, r'a choice of whole numbers, such as choice\(16, 32, 64\)'),
        ({'tune': {'adamw': {**SPACE, 'batch': choice(16, 32.5)}}}, 'a choice of whole numbers'),
        ({'tune': {'adamw': SPACE}, 'fixed': {'batch': 64}}, r'give it there, task\(..., batch=64\)'),
        ({'tune': {'adamw': SPACE}, 'own': {'other': {'batch': choice(16, 32)}}}, 'tuned for all arms or for none'),
    ],
)
def test_what_cannot_be_tuned(fields, why):
    if 'makes 5 steps' in why:
        assert study(**fields).tunes_batch
        fields = {**fields, 'tasks': (task('digits', steps=40, batch=32, evaluations=4),)}
    with pytest.raises(ValueError, match=why):
        study(**fields)


def test_with_matched_compute_every_batch_costs_what_a_run_of_the_base_costs():
    """Steps are rounded to whole evaluations from what equal compute asks of each batch, and not from rounded steps."""
    own = study(budget='compute', tasks=(task('digits', steps=120, batch=32, evaluations=5),), share=False)
    flops = {'base': 100.0, 'other': 83.0}
    costs = {arm: {'digits': {'flops': each, 'params': 1, 'macs': 1}} for arm, each in flops.items()}
    assert [steps(own, 'other', own.tasks[0], costs, batch) for batch in (None, 16, 64)] == [145, 290, 70]
    whole, records = simulate(own, World(cliff=2.0), 0, manifest={'costs': costs})
    lengths = {'base': {16: 240, 32: 120, 64: 60}, 'other': {16: 290, 32: 145, 64: 70}}
    for trial in whole.trials:
        assert trial.program.steps == lengths[trial.arm][trial.program.batch]
    assert {trial.program.batch for trial in whole.trials if trial.arm == 'other'} == {16, 32, 64}
    tuned, confirmed, _ = equalities(own, whole, {}, costs)
    assert tuned.equal is confirmed.equal is True and 'flops' in tuned.why and 'examples' not in tuned.why
    assert '72,000.0 flops' in tuned.why, 'six trials of the base, at any batch'
    for arm, each in flops.items():
        trials = [trial for r in range(2) for trial in whole.asked['tune', arm, 'digits', r]]
        budget = whole.budgets[arm, 'digits']
        assert budget['examples'] == sum(trial.steps * trial.program.batch for trial in trials)
        assert budget['steps'] == sum(trial.steps for trial in trials)
        assert budget['flops'] == pytest.approx(budget['examples'] / 32 * each) == pytest.approx(12 * 12_000, rel=0.05)
    lines = ledger(Reading(own, whole, records, {'costs': costs})).lines
    spent = {line.arm: line.spent.flops for line in lines if line.phase == 'tune'}
    assert spent['other'] == pytest.approx(spent['base'], rel=0.05)
    wrong = {whole.asked['tune', 'other', 'digits', 1][0].id: {'steps': 100, 'batch': 32}}
    told = equalities(own, whole, wrong, costs)[0]
    assert told.equal is False and 'other replicate 1: ' in told.why
    coarse = study(budget='compute', tasks=(task('digits', steps=40, batch=32, evaluations=5),))
    with pytest.raises(ValueError, match=r"'other' on 'digits' would take 22\.7 steps of 64, or 25 .* or leave that batch out"):
        schedule(coarse, {}, {'costs': {**costs, 'other': {'digits': {'flops': 88.0}}}})


def test_stops_at_matched_compute_are_after_a_share_of_each_batchs_steps():
    own = study(budget='compute', tasks=(task('digits', steps=120, batch=32, evaluations=5),), share=False, halvings=(0.3,))
    costs = {arm: {'digits': {'flops': each, 'params': 1, 'macs': 1}} for arm, each in (('base', 100.0), ('other', 83.0))}
    whole, _ = simulate(own, World(cliff=2.0), 0, manifest={'costs': costs})
    stopped = {(t.arm, t.program.batch): t.until for t in whole.trials if t.until}
    assert (
        stopped.items()
        <= {
            **{('base', 16): 72, ('base', 32): 36, ('base', 64): 18, ('other', 16): 87, ('other', 32): 44, ('other', 64): 21},
        }.items()
    )
    assert all(one.equal for one in equalities(own, whole, {}, costs)[:2])


@pytest.mark.slow
def test_runs_of_two_batches_train():
    from sweeps.training.trainer import Trainer

    own, trainer = study(tasks=(task('digits', steps=4, batch=32, evaluations=1),)), Trainer('loop', None)
    trials = {trial.program.batch: trial for trial in plan(own, {}, COSTS) if trial.arm == 'base'}
    for batch, trial in trials.items():
        record = trainer.train(Pack((trial,)), 50.0 * batch)[0]
        assert record['batch'] == batch and record['steps'] * batch == record['cost']['examples'] == 128
        assert record['cost']['flops'] == 50.0 * 128 and np.isfinite(record['initial_loss'])
