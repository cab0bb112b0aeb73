"""Tuning by every search, and what shapes, budgets and recipes of a study make of its plan; verdicts on simulated records."""

import dataclasses
import hashlib
import importlib.util
import random

import numpy as np
import pytest
from planned_study import extended_sides

import sweeps.protocol.tuning
from ablations.config import put, swap
from ablations.shapes import add_one, drop_one, factorial, ladder, path
from ablations.spaces import choice, integer, linear, log
from ablations.study import Study
from ablations.trial import TEST, TUNING, Schedule
from results.evidence import findings
from results.store.reading import Reading
from sweeps.protocol.packing import pack
from sweeps.protocol.plan import plan, schedule, steps
from sweeps.protocol.simulate import World, simulated_record
from sweeps.protocol.tuning import BATCH
from sweeps.training.record import describe

RMS, WIDE, BARE = swap('norm', 'rms_norm'), put('channel.ratio', 2.0), swap('mixer', 'identity')
SPACE = {'lr': log(1e-3, 1e-1), 'weight_decay': log(1e-3, 1.0)}
WORLD = World(cliff=2.0, noise=0.02)
FAR = World(optimum=(1.3, 0.4), cliff=9.0, noise=0.01)


def study(**fields: object) -> Study:
    given = {'name': 'tuned', 'question': 'Which?', 'arms': {'base': (), 'other': RMS}, 'tasks': ('digits',)}
    return Study(**{**given, 'tune': {'adamw': SPACE}, 'trials': 8, 'replicates': 3, 'seeds': 2, 'share': True, **fields})


def record(asked: Study, world: World, trial) -> dict:
    """With what a training run says of itself, knobs and seed among it."""
    return {**describe(trial), **simulated_record(asked, world, trial, 0)}


def run(asked: Study, world: World = WORLD, manifest: dict | None = None) -> tuple[Schedule, dict]:
    records: dict[str, dict] = {}
    while wanted := plan(asked, records, manifest or {}):
        records |= {trial.id: record(asked, world, trial) for trial in wanted}
    return schedule(asked, records, manifest or {}), records


def told(asked: Study, world: World) -> dict:
    planned, records = run(asked, world)
    assert planned.complete
    return {(finding.arm, finding.task): finding for finding in findings(Reading(asked, planned, records))}


# Shapes.

PARTS = {'rms': RMS, 'wide': WIDE}
SHAPES = {
    'path': (path({'base': (), 'rms': RMS, 'wide': WIDE}), {'rms': 'base', 'wide': 'rms'}),
    'add_one': (add_one(PARTS), {'with_rms': 'base', 'with_wide': 'base', 'all': 'base'}),
    'drop_one': (drop_one(PARTS), {'all': 'base', 'without_rms': 'all', 'without_wide': 'all'}),
    'factorial': (
        factorial({'norm': {'layer': (), 'rms': RMS}, 'mixer': {'mixed': (), 'bare': BARE}}),
        {'bare': 'base', 'rms': 'base', 'rms_and_bare': 'base'},
    ),
}


@pytest.mark.parametrize('name', SHAPES)
def test_every_shape_is_planned_and_judged_against_its_own_reference(name):
    fields, references = SHAPES[name]
    asked = study(**fields, base_factor=1)
    heights = {arm: 0.4 * number for number, arm in enumerate(reversed(asked.arms))}
    planned, records = run(asked, dataclasses.replace(WORLD, top=heights))
    assert {trial.arm for trial in planned.trials} == set(asked.arms)

    def mean(arm: str) -> float:
        runs = [records[t.id]['score'] for r in range(3) for t in planned.asked['confirm', arm, 'digits', r]]
        return float(np.mean(runs))

    made = {finding.arm: finding for finding in findings(Reading(asked, planned, records))}
    assert {arm: finding.base for arm, finding in made.items()} == references
    for arm, finding in made.items():
        assert finding.effect == pytest.approx(mean(arm) - mean(references[arm]))
        assert finding.base_value == pytest.approx(mean(references[arm]))
        assert finding.verdict == ('better' if heights[arm] > heights[references[arm]] else 'worse')
        assert len({budget['trials'] for budget in planned.budgets.values()}) == 1


def test_a_step_that_changes_nothing_is_not_called_better_for_what_came_before_it():
    asked = study(**path({'base': (), 'rms': RMS, 'wide': WIDE}), replicates=5)
    made = told(asked, dataclasses.replace(WORLD, top={'rms': 0.5, 'wide': 0.5}))
    assert made['rms', 'digits'].verdict == 'better'
    assert made['wide', 'digits'].verdict in ('undecided', 'equivalent')
    assert abs(made['wide', 'digits'].effect) < 0.1


def test_the_rungs_of_a_ladder_are_one_dataset():
    sizes = {'narrow': put('body.widths', [8, 16]), 'wide': ()}
    made = told(study(tasks=ladder('digits', sizes)), dataclasses.replace(WORLD, top={'other': 0.5}))
    assert {key: finding.verdict for key, finding in made.items()} == {
        ('other', 'digits_narrow'): 'better',
        ('other', 'digits_wide'): 'better',
    }
    assert {finding.overall for finding in made.values()} == {'undecided'}
    assert 'one dataset only' in made['other', 'digits_wide'].overall_reason
    made = told(study(tasks=(*ladder('digits', sizes), 'recall'), replicates=3), dataclasses.replace(WORLD, top={'other': 0.5}))
    assert made['other', 'recall'].overall_reason == 'better on 2 of 2 datasets'


# More replicates of the base.


@pytest.mark.parametrize('world', [WORLD, FAR], ids=['inside', 'outside'])
@pytest.mark.parametrize('looks', [(), (1, 3)], ids=str)
def test_the_base_has_several_times_the_replicates_at_the_same_budget_each(world, looks):
    asked = study(base_factor=2, looks=looks)
    planned, records = run(asked, world)
    assert planned.complete and planned.look == 3
    for arm, count in (('base', 6), ('other', 3)):
        for phase in ('tune', 'confirm', 'share'):
            assert sorted(r for p, a, _, r in planned.asked if (p, a) == (phase, arm)) == list(range(count))
        each = {len(planned.asked['tune', arm, 'digits', r]) for r in range(count)}
        assert each == {8}
        assert planned.budgets[arm, 'digits']['trials'] == count * each.pop()
    (finding,) = findings(Reading(asked, planned, records))
    assert not finding.reason.startswith('unequal')
    runs = [records[t.id]['score'] for r in range(6) for t in planned.asked['confirm', 'base', 'digits', r]]
    assert finding.base_value == pytest.approx(np.mean(runs))
    points = [planned.asked['share', 'other', 'digits', r][0].knobs for r in range(3)]
    assert points == [planned.selections['base', 'digits', r].knobs for r in range(3)]


def test_looks_count_replicates_of_the_arms():
    asked = study(base_factor=2, looks=(1, 3))
    first = plan(asked, {}, {})
    assert sorted({(t.arm, t.replicate) for t in first}) == [('base', 0), ('base', 1), ('other', 0)]
    whole, records = run(asked)
    early = {t.id: records[t.id] for t in whole.trials if t.replicate < asked.count(t.arm, 1)}
    planned = schedule(asked, early, {})
    assert planned.look == 1
    (finding,) = findings(Reading(asked, planned, early))
    assert finding.replicates == 1 and finding.base_value is not None


# One recipe for all.


def test_with_one_recipe_only_the_base_is_tuned():
    asked = study(arms={'base': (), 'other': RMS, 'third': ()}, recipe='same')
    planned, records = run(asked)
    assert planned.complete
    assert {t.arm for t in planned.trials if t.held == TUNING} == {'base'}
    for arm in asked.arms:
        for replicate in range(3):
            trials = planned.asked['confirm', arm, 'digits', replicate]
            assert [t.id for t in trials] == [t.id for t in planned.asked['share', arm, 'digits', replicate]]
            assert {t.knobs for t in trials} == {planned.selections['base', 'digits', replicate].knobs}
    assert len(planned.trials) == 3 * 8 + 3 * 3 * 2
    assert planned.budgets['other', 'digits']['trials'] == 0
    for finding in findings(Reading(asked, planned, records)):
        assert finding.effect == finding.shared_effect
        assert not finding.reason.startswith('unequal')


def test_with_one_recipe_a_base_that_always_diverges_is_named():
    asked = study(recipe='same')
    planned, records = run(asked, World(cliff=-9.0))
    (finding,) = findings(Reading(asked, planned, records))
    assert finding.verdict == 'not comparable'
    assert finding.reason == "every tuning run of 'base' diverged (24 of 24)"


# Matched compute.


def costs(**flops: float) -> dict:
    return {'costs': {arm: {'digits': {'flops': value, 'params': 1, 'macs': 1}} for arm, value in flops.items()}}


@pytest.mark.parametrize(('flops', 'wanted'), [(100.0, 140), (200.0, 70), (50.0, 280), (70.0, 200), (99.0, 142)])
def test_matched_compute_trains_as_long_as_the_bases_flops_last(flops, wanted):
    """140 steps of the base in two evaluations: a multiple of two steps."""
    asked = study(budget='compute')
    manifest = costs(base=100.0, other=flops)
    assert steps(asked, 'base', asked.task('digits'), manifest['costs']) == 140
    assert steps(asked, 'other', asked.task('digits'), manifest['costs']) == wanted
    planned, records = run(asked, WORLD, manifest)
    assert {t.program.steps for t in planned.trials if t.arm == 'other'} == {wanted}
    budgets = [planned.budgets[arm, 'digits'] for arm in ('base', 'other')]
    assert budgets[1]['steps'] == 24 * wanted
    assert budgets[1]['flops'] == 24 * wanted * flops
    (finding,) = findings(Reading(asked, planned, records, manifest))
    assert 'unequal' not in finding.reason


def test_matched_compute_needs_costs():
    for manifest in ({}, costs(base=1.0), costs(other=1.0)):
        with pytest.raises(ValueError, match=r"matches compute, and what '(base|other)' costs on 'digits' is not known yet"):
            plan(study(budget='compute'), {}, manifest)
    assert plan(study(), {}, costs(base=1.0))


# Searches.

FOLLOWING = [
    'tpe',
    pytest.param(
        'gp',
        marks=pytest.mark.skipif(importlib.util.find_spec('torch') is None, reason="torch is missing: pip install '.[gp]'"),
    ),
]


@pytest.mark.parametrize('search', ['sobol', 'random', 'grid', *FOLLOWING])
def test_every_search_tunes_a_study_to_its_end(search):
    asked = study(search=search, trials=10, replicates=1, extension=0)
    planned, _ = run(asked)
    assert planned.complete
    for arm in asked.arms:
        trials = planned.asked['tune', arm, 'digits', 0]
        assert len(trials) == len({t.seed for t in trials}) == len({t.knobs for t in trials}) == 10
        for trial in trials:
            assert all(SPACE[name].low <= value <= SPACE[name].high for name, value in trial.knobs)
    own, other = ([t.knobs for t in planned.asked['tune', arm, 'digits', 0]] for arm in asked.arms)
    assert not set(own) & set(other), 'every arm has points of its own'


MIXED = {'lr': log(1e-3, 1e-1), 'b2': choice(0.9, 0.99), 'momentum': linear(0.5, 0.9), 'warmup': integer(2, 6)}


@pytest.mark.parametrize('search', ['sobol', 'grid', 'tpe'])
def test_choices_and_whole_numbers_are_tuned_confirmed_and_never_left(search):
    asked = study(search=search, tune={'sgd': MIXED}, trials=12, replicates=2)
    planned, _ = run(asked, World(optimum=(1.3, 0.25, 0.5, 0.9), cliff=9.0, noise=0.01))
    assert planned.complete
    assert ('lr', 'high') in (sides := extended_sides(planned.extended['digits']))
    assert {name for name, _ in sides} <= {'lr', 'momentum', 'warmup'}
    for trial in planned.trials:
        knobs = dict(trial.knobs)
        assert knobs['b2'] in (0.9, 0.99)
        assert knobs['warmup'] == int(knobs['warmup']) and knobs['warmup'] >= 1
        assert 0 < knobs['momentum'] < 1
    assert {dict(t.knobs)['b2'] for t in planned.trials if t.held == TEST} == {0.9}, 'the optimum is at its unit'


# Searches that follow the scores.


def adaptive(**fields: object) -> Study:
    return study(**{'search': 'tpe', 'trials': 20, 'replicates': 2, **fields})


@pytest.fixture(scope='module')
def followed() -> dict:
    return {name: run(adaptive(), world) for name, world in {'inside': WORLD, 'outside': FAR}.items()}


def test_batches_are_in_step_for_all_arms(followed):
    planned, records = followed['inside']
    phases = [t.phase for t in planned.asked['tune', 'other', 'digits', 1]]
    assert phases == ['tune'] * BATCH + ['tune_2'] * BATCH + ['extend_1'] * 2 + ['extend_2'] * 2
    slow = planned.asked['tune', 'base', 'digits', 0][3]
    without = {key: value for key, value in records.items() if key != slow.id}
    assert {t.phase for t in schedule(adaptive(), without, {}).trials} == {'tune'}
    assert plan(adaptive(), without, {}) == [slow]


def test_later_points_follow_the_scores():
    """Of a bowl the last batch lies nearer to the optimum than the first, which is an even cover."""
    planned, _ = run(adaptive(extension=0), WORLD)
    away: dict[str, list] = {}
    for (phase, *_), trials in planned.asked.items():
        for trial in trials if phase == 'tune' else ():
            units = [SPACE[name].unit(value) for name, value in trial.knobs]
            away.setdefault(trial.phase, []).append(np.hypot(units[0] - 0.55, units[1] - 0.4))
    assert np.mean(away['tune_3']) < 0.8 * np.mean(away['tune'])


@pytest.mark.parametrize('seed', [0, 1])
@pytest.mark.parametrize('where', ['inside', 'outside'])
def test_interrupted_anywhere_it_asks_for_the_same_trials(followed, where, seed):
    world, chance, records, packs = {'inside': WORLD, 'outside': FAR}[where], random.Random(seed), {}, set()
    planned, whole = followed[where]
    while wanted := plan(adaptive(), records, {}):
        now = schedule(adaptive(), records, {})
        packs |= {item.id for item in pack(adaptive(), now.trials, {})}
        assert {trial.id for trial in now.trials} <= set(whole)
        for trial in chance.sample(wanted, chance.randint((len(wanted) + 1) // 2, len(wanted))):
            records[trial.id] = record(adaptive(), world, trial)
    assert records == whole
    assert schedule(adaptive(), records, {}) == planned
    assert packs <= {item.id for item in pack(adaptive(), planned.trials, {})}, 'a pack is a function of its phase'


def test_a_batch_that_is_recorded_is_read_back_and_not_proposed_again(followed, monkeypatch):
    planned, records = followed['outside']
    asked = []

    def refused(kind, *arguments):
        asked.append(kind)
        assert kind == 'sobol', 'only points past edges are made again'
        return propose(kind, *arguments)

    propose = sweeps.protocol.tuning.propose
    monkeypatch.setattr(sweeps.protocol.tuning, 'propose', refused)
    assert schedule(adaptive(), records, {}) == planned
    shuffled = list(records.items())
    random.Random(3).shuffle(shuffled)
    assert schedule(adaptive(), dict(shuffled), {}) == planned
    assert asked and planned.extended['digits']


def test_another_machines_rounding_orphans_no_record(followed, monkeypatch):
    """All that ran stays planned; what is still to run may differ."""
    planned, records = followed['inside']
    first = [t.id for t in planned.trials if t.held == TUNING and t.phase == 'tune']
    propose = sweeps.protocol.tuning.propose
    monkeypatch.setattr(sweeps.protocol.tuning, 'propose', lambda *a: np.clip(propose(*a) + 1e-3, 0, 0.999))
    now = schedule(adaptive(), {key: records[key] for key in first}, {})
    assert [t.id for t in now.trials if t.phase == 'tune'] == first
    last = {t.id for t in now.trials if t.phase == 'tune_2'}
    assert len(last) == 2 * 2 * BATCH and not last & set(records)


def test_records_that_say_too_little_are_proposed_again(followed):
    planned, records = followed['inside']
    told = ('id', 'status', 'score')
    for names in (told, (*told, 'task', 'held', 'seed')):
        thin = {key: {name: row[name] for name in names} for key, row in records.items()}
        assert schedule(adaptive(), thin, {}).trials == planned.trials


def test_of_two_records_of_one_seed_the_smaller_id_counts(followed):
    """Two machines may have proposed different points: whoever reads both goes on with the same one."""
    planned, records = followed['inside']
    first = planned.asked['tune', 'base', 'digits', 0][3]
    other = dataclasses.replace(first, knobs=tuple((name, value * 1.01) for name, value in first.knobs))
    own = {key: row for key, row in records.items() if row['phase'] == 'tune'}
    both = {**own, other.id: record(adaptive(), WORLD, other)}
    for given in (both, dict(reversed(both.items()))):
        asked = schedule(adaptive(), given, {}).asked['tune', 'base', 'digits', 0]
        assert asked[3].id == min(first.id, other.id) and len(asked) == 2 * BATCH


@pytest.mark.parametrize(
    'change',
    [
        {'tune': {'adamw': {**SPACE, 'lr': log(1e-3, 2e-1)}}},
        {'tune': {'adamw': {**SPACE, 'weight_decay': linear(1e-3, 1.0)}}},
        {'tune': {'adamw': {**SPACE, 'b2': choice(0.9, 0.99)}}},
        {'fixed': {'b1': 0.8}},
        {'search': 'sobol'},
    ],
    ids=['range', 'scale', 'value', 'fixed', 'search'],
)
def test_a_changed_space_has_trials_of_its_own(followed, change):
    """Their seeds stand for them, so a seed may not mean one place in one space and another in the next."""
    planned, records = followed['inside']
    other = plan(adaptive(**change), records, {})
    old = {t.seed for t in planned.trials if t.held == TUNING}
    assert other and {t.phase for t in other} == {'tune'}
    assert not old & {t.seed for t in other}


def test_a_grown_study_keeps_the_batches_that_ran(followed):
    planned, records = followed['inside']
    grown = adaptive(arms={'base': (), 'other': RMS, 'more': BARE}, replicates=3, looks=(2, 3))
    now = schedule(grown, records, {})
    assert {t.id for t in planned.trials if t.phase == 'tune'} <= {t.id for t in now.trials}
    assert {t.arm for t in plan(grown, records, {})} == {'more'}


@pytest.mark.parametrize('search', ['sobol', 'random', 'grid'])
def test_seeds_of_a_search_that_looks_at_no_score_are_those_of_every_recorded_study(search):
    """A hash of names: change it and every record is an orphan."""
    asked = study(search=search, replicates=1, looks=(1,), extension=0)
    for number, trial in enumerate(plan(asked, {}, {})[:8]):
        text = '\x1f'.join(['tune', 'tuned', 'base', 'digits', 'adamw', '0', str(number)])
        assert trial.seed == int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) // 2


@pytest.mark.parametrize(('cliff', 'extended'), [(9.0, True), (-0.39, False)])
def test_a_range_that_ends_in_a_cliff_is_not_extended(cliff, extended):
    """The score rises towards the end of the range; where most of the last trials diverge, no better rate lies beyond."""
    world = World(optimum=(1.3, 0.5), curvature=(1.0, 0.0), noise=0.001, cliff=cliff)
    planned, _ = run(study(trials=16), world)
    assert (('lr', 'high') in extended_sides(planned.extended['digits'])) == extended
