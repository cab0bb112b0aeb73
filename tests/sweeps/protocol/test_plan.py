"""The planner: pure, resumable, and the protocol's rules one by one."""

import copy
import dataclasses
import math
import random

import numpy as np
import pytest
from planned_study import FAR, MIDDLE, STUDY, WORLDS, extended_sides, record, units

from ablations.spaces import linear, log
from ablations.study import Study
from ablations.trial import PHASES, TEST, TUNING
from results.budgets import equalities
from results.selection import select
from sweeps.protocol.halving import scores
from sweeps.protocol.plan import plan, schedule
from sweeps.protocol.simulate import World, simulate
from sweeps.protocol.tuning import REACH, ROUNDS


@pytest.fixture(scope='module')
def finished() -> dict:
    return {name: simulate(STUDY, where, 0) for name, where in WORLDS.items()}


# Purity.


@pytest.mark.parametrize('name', WORLDS)
@pytest.mark.parametrize('share', [0.0, 0.3, 1.0])
def test_planning_twice_is_planning_once_and_changes_nothing(finished, name, share):
    records = dict(list(finished[name][1].items())[: int(share * len(finished[name][1]))])
    manifest = {'costs': {arm: {item.name: {'flops': 3} for item in STUDY.tasks} for arm in STUDY.arms}, 'looks': [3]}
    before = copy.deepcopy((records, manifest)), STUDY.digest
    first, second = schedule(STUDY, records, manifest), schedule(STUDY, records, manifest)
    assert first == second
    assert [t.id for t in plan(STUDY, records, manifest)] == [t.id for t in first.trials if t.id not in records]
    assert ((records, manifest), dataclasses.replace(STUDY).digest) == before


def test_the_manifest_changes_no_trial(finished):
    _, records = finished['middle']
    some = dict(list(records.items())[:100])
    costs = {arm: {item.name: {'flops': 3} for item in STUDY.tasks} for arm in STUDY.arms}
    assert schedule(STUDY, some, {}).trials == schedule(STUDY, some, {'costs': costs, 'looks': [1, 2], 'lanes': 8}).trials


def test_the_order_of_records_changes_nothing(finished):
    for planned, records in finished.values():
        items = list(records.items())
        random.Random(1).shuffle(items)
        assert schedule(STUDY, dict(items), {}) == planned


def test_records_that_nobody_planned_are_ignored(finished):
    planned, records = finished['middle']
    foreign = {'id': 'foreign', 'status': 'ok', 'score': 99.0}
    assert schedule(STUDY, {**records, 'foreign': foreign}, {}) == planned


# Resuming.


@pytest.mark.parametrize('name', WORLDS)
@pytest.mark.parametrize('seed', [0, 1])
def test_interrupted_at_random_it_ends_with_the_same_trials(finished, name, seed):
    """Whatever part of what was wanted gets done, in whatever order: in the end the same trials, each once."""
    chance = random.Random(seed)
    wanted_ever, records = {}, {}
    for _ in range(200):
        wanted = plan(STUDY, records, {})
        if not wanted:
            break
        wanted_ever |= {trial.id: trial for trial in wanted}
        for trial in chance.sample(wanted, chance.randint(1, len(wanted))):
            records[trial.id] = record(WORLDS[name], trial)
    planned, whole = finished[name]
    assert records == whole
    assert set(wanted_ever) == set(whole), 'nothing was wanted on the way that is not wanted in the end'
    assert schedule(STUDY, records, {}) == planned
    assert planned.complete


def test_what_was_wanted_stays_wanted(finished):
    """More records only add trials: nothing that ran was in vain."""
    for _, records in finished.values():
        last: list = []
        for count in range(0, len(records) + 1, 37):
            now = [trial.id for trial in schedule(STUDY, dict(list(records.items())[:count]), {}).trials]
            assert set(last) <= set(now)
            last = now


def test_a_lost_record_is_wanted_again_and_nothing_else(finished):
    planned, records = finished['outside']
    for trial in planned.trials[:: len(planned.trials) // 7]:
        left = {key: value for key, value in records.items() if key != trial.id}
        assert trial.id in {t.id for t in plan(STUDY, left, {})}
        assert {t.id for t in schedule(STUDY, left, {}).trials} <= set(records)


def test_one_arm_may_wait_for_another_but_not_one_task(finished):
    """All arms of a task are confirmed together; tasks go on without each other."""
    planned, records = finished['middle']
    held_back = {t.id for t in planned.asked['tune', 'third', 'digits', 0]}
    phases = {(t.task, t.phase) for t in schedule(STUDY, {k: v for k, v in records.items() if k not in held_back}, {}).trials}
    assert ('digits', 'confirm') not in phases
    assert ('stdlib_bytes', 'confirm') in phases


# Phases.


def test_phases_of_a_whole_study(finished):
    for name, phases in {
        'middle': {'tune', 'extend_1', 'extend_2', 'confirm', 'share'},
        'lost': {'tune', 'extend_1', 'extend_2'},
    }.items():
        planned, _ = finished[name]
        assert {trial.phase for trial in planned.trials} == phases
        assert {trial.phase for trial in planned.trials} <= set(PHASES)
        assert len({trial.id for trial in planned.trials}) == len(planned.trials), 'a trial wanted twice runs once'


def test_tuning_never_touches_the_test_split(finished):
    for planned, _ in finished.values():
        for trial in planned.trials:
            assert trial.held == (TEST if trial.phase in ('confirm', 'share') else TUNING)


def test_tuning_has_its_own_points_and_seeds_for_every_arm_and_replicate(finished):
    tuned = [t for t in finished['outside'][0].trials if t.held == TUNING]
    assert len({t.seed for t in tuned}) == len(tuned)
    assert len({t.knobs for t in tuned}) == len(tuned)


def test_confirmation_seeds_are_shared_by_arms_and_by_nothing_else(finished):
    planned, _ = finished['outside']
    seeds: dict[tuple, set] = {}
    for (phase, arm, task, replicate), trials in planned.asked.items():
        if phase in ('confirm', 'share'):
            assert [t.replicate for t in trials] == [replicate] * STUDY.seeds
            assert len({t.seed for t in trials}) == STUDY.seeds
            seeds.setdefault((task, replicate), set()).add(tuple(t.seed for t in trials))
            assert {t.arm for t in trials} == {arm}
    assert all(len(values) == 1 for values in seeds.values()), 'the same across arms, and at the shared recipe'
    all_seeds = [seed for (row,) in seeds.values() for seed in row]
    assert len(set(all_seeds)) == len(all_seeds), 'never reused across replicates or tasks'
    assert not set(all_seeds) & {t.seed for t in planned.trials if t.held == TUNING}, 'never used in tuning'


def test_confirmation_is_at_the_selected_point(finished):
    for name in ('middle', 'outside', 'cliff'):
        planned, records = finished[name]
        for (arm, task, replicate), selected in planned.selections.items():
            trials = planned.asked['tune', arm, task, replicate]
            again = select(
                {'adamw': (units(STUDY, trials), scores(STUDY.task(trials[0].task).sign, trials, records))}, STUDY.tune
            )
            assert again == selected
            for trial in planned.asked['confirm', arm, task, replicate]:
                assert (trial.knobs, trial.program.optimizer) == (selected.knobs, selected.optimizer)
            base = planned.selections['base', task, replicate]
            for trial in planned.asked['share', arm, task, replicate]:
                assert trial.knobs == base.knobs


def test_the_bases_shared_runs_are_its_confirmation(finished):
    planned, _ = finished['middle']
    for task in ('digits', 'stdlib_bytes'):
        for replicate in range(3):
            own, shared = (planned.asked[phase, 'base', task, replicate] for phase in ('confirm', 'share'))
            assert own == shared or [t.id for t in own] == [t.id for t in shared]
    assert not [t for t in planned.trials if (t.arm, t.phase) == ('base', 'share')]
    extra = 3 * 2 * STUDY.replicates * STUDY.seeds + 2 * 2 * STUDY.replicates * STUDY.seeds
    assert sum(t.held == TEST for t in planned.trials) == extra


def test_a_fixed_value_is_in_every_run():
    study = dataclasses.replace(STUDY, fixed={'b1': 0.8})
    planned, _ = simulate(study, MIDDLE, 0)
    assert {dict(trial.knobs)['b1'] for trial in planned.trials} == {0.8}
    assert {tuple(dict(trial.knobs)) for trial in planned.trials} == {('b1', 'lr', 'weight_decay')}


def test_scores_point_in_the_good_direction_and_lost_runs_are_out():
    trials = [t for t in plan(STUDY, {}, {}) if t.task == 'stdlib_bytes'][:3]
    records = {
        trials[0].id: {'status': 'ok', 'score': 2.0},
        trials[1].id: {'status': 'diverged', 'score': None},
        trials[2].id: {'status': 'failed', 'score': None},
    }
    assert scores(STUDY.task(trials[0].task).sign, trials, records).tolist() == [-2.0, -math.inf, -math.inf]


# Extension.


def _strip(planned, arm: str, task: str, phase: str) -> np.ndarray:
    trials = [t for r in range(3) for t in planned.asked['tune', arm, task, r] if t.phase == phase]
    return units(STUDY, trials) if trials else np.empty((0, 2))


def test_a_range_with_its_optimum_inside_is_seldom_extended():
    """Of 240 rounds that each might have looked past four sides."""
    planned, _ = simulate(dataclasses.replace(STUDY, replicates=20, looks=(20,)), dataclasses.replace(MIDDLE, noise=0.02), 0)
    assert sum(bool(sides) for rounds in planned.extended.values() for own in rounds.values() for sides in own) < 12
    assert not any(planned.censored.values())
    assert all(budget['trials'] == 20 * 8 for budget in planned.budgets.values())


def test_the_extended_side_is_searched_beyond_its_edge(finished):
    """Each replicate goes further from where its own first round ended."""
    planned, _ = finished['far']
    for task, of_task in planned.extended.items():
        for (arm, _, replicate), rounds in of_task.items():
            assert len(rounds) == ROUNDS == 2
            low = 1.0
            for number, sides in enumerate(rounds, 1):
                trials = [t for t in planned.asked['tune', arm, task, replicate] if t.phase == f'extend_{number}']
                places = units(STUDY, trials)
                assert len(places) == STUDY.extension // ROUNDS
                strip = places[[at for at in range(len(places)) if sides and sides[at % len(sides)] == ('lr', 'high')]]
                assert ((strip[:, 0] >= low - 1e-5) & (strip[:, 0] <= low + REACH + 1e-5)).all()
                assert ((strip[:, 1] >= 0) & (strip[:, 1] <= 1 + REACH)).all()
                assert sides or (places[:, 0] <= low + 1e-5).all()
                low += REACH * (('lr', 'high') in sides)
    all_sides = [sides for of in planned.extended.values() for rounds in of.values() for sides in rounds]
    assert sum(('lr', 'high') in sides for sides in all_sides) > 0.9 * len(all_sides)


class Only(World):
    """A world in which the optimum of one arm alone lies outside."""

    def score(self, study: Study, trial, seed: int, chance: np.random.Generator) -> float | None:
        where = FAR if trial.arm == 'other' else MIDDLE
        return World.score(dataclasses.replace(where, noise=0.005), study, trial, seed, chance)


def test_what_one_arm_finds_past_an_edge_costs_the_others_nothing():
    """Every replicate decides by its own trials alone, and all have the same number of them."""
    planned, records = simulate(STUDY, Only(), 0)
    assert {key[0] for rounds in planned.extended.values() for key in rounds} == {'other'}
    assert extended_sides(planned.extended['digits']) == {('lr', 'high')}
    alone, _ = simulate(dataclasses.replace(STUDY, arms={'base': (), 'third': ()}), Only(), 0)
    assert {t.id for t in alone.trials if t.held == TUNING} < {t.id for t in planned.trials}
    assert len({budget['trials'] for budget in planned.budgets.values()}) == 1
    assert all(one.equal for one in equalities(STUDY, planned, records, {}))
    assert not planned.censored['base', 'digits'] and not planned.censored['third', 'digits']


def test_replicates_share_no_decision():
    """A replicate of a study of three has the tuning that it has in a study of one."""
    world = World(optimum=(1.15, 0.4), cliff=2.0, noise=0.05)
    planned, _ = simulate(STUDY, world, 0)
    first, _ = simulate(dataclasses.replace(STUDY, replicates=1, looks=(1,)), world, 0)
    own = {t.id for t in planned.trials if t.replicate == 0}
    assert {t.id for t in first.trials} == own
    rounds = {replicate: planned.extended['digits'].get(('base', 'adamw', replicate), [[], []]) for replicate in range(3)}
    assert len({str(sides) for sides in rounds.values()}) > 1, 'the world must make them differ'


def test_late_trials_keep_below_the_rates_that_diverge():
    world = World(optimum=(0.3, 0.4), cliff=0.1, noise=0.01)
    planned, records = simulate(STUDY, world, 0)
    checked = 0
    for (phase, _, task, _), trials in planned.asked.items():
        if phase != 'tune' or task != 'digits':
            continue
        places = units(STUDY, trials)[:, 0]
        ended = np.array([records[t.id]['status'] == 'ok' for t in trials])
        first = np.array([not t.extends for t in trials])
        lost = places[first & ~ended]
        lost = lost[lost > places[first & ended].max(initial=-1.0)]
        assert (places[~first] <= lost.min(initial=9.0) + 1e-5).all()
        checked += len(lost)
    assert checked


def test_an_optimum_that_stays_outside_is_flagged(finished):
    far, _ = finished['far']
    assert set(far.censored) == {(arm, task) for arm in STUDY.arms for task in ('digits', 'stdlib_bytes')}
    assert all(edges == ['adamw lr high'] for edges in far.censored.values())


def test_an_optimum_that_extension_reaches_is_not(finished):
    planned, _ = finished['outside']
    assert all(planned.extended.values())
    assert not any(planned.censored.values())
    reached = [s.unit[0] for s in planned.selections.values()]
    assert np.mean(reached) == pytest.approx(1.25, abs=0.1)


def test_without_extra_trials_what_lies_outside_is_flagged_at_once():
    planned, _ = simulate(dataclasses.replace(STUDY, extension=0), FAR, 0)
    assert planned.extended == {'digits': {}, 'stdlib_bytes': {}}
    assert all(edges == ['adamw lr high'] for edges in planned.censored.values())


@pytest.mark.parametrize(
    ('space', 'optimum', 'side'),
    [
        ({'lr': log(1e-3, 1e-1), 'weight_decay': log(1e-3, 1.0)}, (0.5, -2.0), None),
        ({'lr': log(1e-3, 1e-1), 'weight_decay': linear(0.0, 1.0)}, (0.5, -2.0), None),
        ({'lr': log(1e-3, 1e-1), 'b1': linear(0.0, 0.9)}, (0.5, -2.0), None),
        ({'lr': log(1e-3, 1e-1), 'b1': linear(0.5, 1.0)}, (0.5, 3.0), None),
        ({'lr': log(1e-3, 1e-1), 'b1': linear(0.5, 0.9)}, (0.5, 3.0), ('b1', 'high')),
        ({'lr': log(1e-3, 1e-1), 'b1': linear(0.5, 0.9)}, (0.5, -2.0), ('b1', 'low')),
        ({'lr': log(1e-3, 1e-1), 'weight_decay': log(1e-3, 1.0)}, (0.5, 3.0), ('weight_decay', 'high')),
        ({'lr': log(1e-3, 1e-1), 'weight_decay': log(1e-3, 1.0)}, (-2.0, 0.4), ('lr', 'low')),
        ({'lr': linear(1e-3, 1e-1), 'weight_decay': log(1e-3, 1.0)}, (-2.0, 0.4), ('lr', 'low')),
    ],
    ids=str,
)
def test_natural_bounds_never_extend_and_others_never_leave_their_domain(space, optimum, side):
    study = dataclasses.replace(STUDY, tune={'adamw': space}, trials=16)
    planned, _ = simulate(study, World(optimum=optimum, cliff=9.0, noise=0.01), 0)
    wanted = {side for rounds in planned.extended.values() for side in extended_sides(rounds)}
    assert wanted == ({side} if side else set())
    if side is None:
        assert not any(planned.censored.values()), 'nothing better can lie beyond'
    for trial in planned.trials:
        knobs = dict(trial.knobs)
        assert knobs['lr'] > 0
        assert 0 <= knobs.get('b1', 0.5) < 1 or space['b1'].high == 1.0
        assert knobs.get('weight_decay', 0.0) >= 0


def test_where_everything_diverges_lower_rates_are_tried(finished):
    planned, _ = finished['lost']
    assert extended_sides(planned.extended['digits']) == {('lr', 'low')}
    assert {len(rounds) for rounds in planned.extended['digits'].values()} == {ROUNDS}
    assert not any(planned.censored.values())


def test_all_diverged_is_complete_without_confirmation(finished):
    planned, records = finished['lost']
    assert planned.complete
    assert plan(STUDY, records, {}) == []
    assert set(planned.selections.values()) == {None}
    assert {trial.held for trial in planned.trials} == {TUNING}
    assert len(planned.trials) == 3 * 2 * 3 * 8
    assert all(planned.asked[phase, arm, 'digits', 0] == [] for phase in ('confirm', 'share') for arm in STUDY.arms)


class BaseLost(World):
    def score(self, study: Study, trial, seed: int, chance: np.random.Generator) -> float | None:
        return None if trial.arm == 'base' else World.score(MIDDLE, study, trial, seed, chance)


def test_a_base_that_always_diverges_shares_no_recipe():
    planned, _ = simulate(STUDY, BaseLost(), 0)
    assert planned.complete
    assert all(planned.asked['share', arm, 'digits', 0] == [] for arm in STUDY.arms)
    assert len(planned.asked['confirm', 'other', 'digits', 0]) == STUDY.seeds


@pytest.mark.parametrize('ahead', [9.0, -99.0])
def test_optimizers_are_extended_each_for_itself(ahead):
    """An optimum at an edge is flagged only where it could make its optimizer the best."""
    space = STUDY.tune['adamw']
    study = dataclasses.replace(STUDY, tune={'adamw': space, 'sgd': space})

    class Two(World):
        def score(self, study: Study, trial, seed: int, chance: np.random.Generator) -> float | None:
            where = FAR if trial.program.optimizer == 'sgd' else MIDDLE
            return World.score(dataclasses.replace(where, noise=0.01, shift={'sgd': ahead}), study, trial, seed, chance)

    planned, _ = simulate(study, Two(), 0)
    assert ('lr', 'high') in extended_sides(planned.extended['digits'], 'sgd')
    assert ('lr', 'high') not in extended_sides(planned.extended['digits'], 'adamw')
    for arm in study.arms:
        tuned = [t.program.optimizer for t in planned.asked['tune', arm, 'digits', 0]]
        assert (tuned.count('adamw'), tuned.count('sgd')) == (8, 8)
        assert planned.censored[arm, 'digits'] == (['sgd lr high'] if ahead > 0 else [])


def test_a_hundred_thousand_trials_are_no_burden():
    """The planner is called after every pack: it must stay quick where studies grow."""
    import time

    big = dataclasses.replace(
        STUDY, arms={'base': (), **{f'arm_{i}': () for i in range(19)}}, trials=64, replicates=10, looks=(10,)
    )
    start = time.perf_counter()
    assert len(plan(big, {}, {})) == 20 * 2 * 10 * 60
    assert time.perf_counter() - start < 20
