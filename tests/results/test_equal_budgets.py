"""One rule of equal budgets: plan, ledger, checklist and verdicts agree, on studies drawn at random and on altered ones."""

import dataclasses
import functools

import numpy as np
import pytest

from ablations.config import swap
from ablations.spaces import linear, log
from ablations.study import Study
from ablations.tasks import task
from ablations.trial import Schedule
from results.budgets import (
    ROUNDING,
    Amount,
    Equality,
    amount,
    equalities,
    length,
    matches,
    steps_at_equal_compute,
    whole_evaluations,
)
from results.evidence import findings
from results.ledger import ledger
from results.store.reading import Reading
from results.verify import verify
from sweeps.protocol.plan import schedule, steps
from sweeps.protocol.simulate import World, simulated_record

SPACES = {
    'adamw': {'lr': log(1e-3, 5e-2), 'weight_decay': log(1e-3, 1.0)},
    'sgd': {'lr': log(3e-2, 3.0), 'momentum': linear(0.5, 0.95), 'weight_decay': log(1e-5, 1e-2)},
}
DRAWS = 18
ROUNDS = 30
"""More plans than any study needs until it is complete."""


def cost(flops: float | None) -> dict:
    return {'flops': flops, 'params': 10, 'macs': 5}


def drawn(seed: int) -> tuple[Study, World, dict]:
    """A study, a world, and costs by arm; every third study shares its recipe or is searched in batches."""
    generator = np.random.default_rng(seed)
    arms = ['base', *(f'arm_{i}' for i in range(generator.integers(1, 4)))]
    replicates = int(generator.integers(1, 4))
    evaluations = int(generator.integers(1, 6))
    study = Study(
        name=f'equal_{seed}',
        question='Are budgets equal?',
        arms={arm: () if arm == 'base' else swap('norm', 'rms_norm') for arm in arms},
        against={'arm_1': 'arm_0'} if len(arms) > 2 and seed % 2 else {},
        tasks=tuple(
            task(name, steps=evaluations * int(generator.integers(5, 40)), evaluations=evaluations, batch=8)
            for name in ('digits', 'recall')[: generator.integers(1, 3)]
        ),
        tune={name: SPACES[name] for name in list(SPACES)[: generator.integers(1, 3)]},
        budget=('trials', 'compute')[seed % 2],
        trials=int(generator.integers(1, 6)),
        extension=int(generator.integers(0, 3)),
        replicates=replicates,
        looks=(1, replicates) if replicates > 1 and seed % 4 < 2 else (),
        base_factor=1 + (seed % 3 == 2),
        recipe='same' if seed % 6 == 4 else 'own',
        search='random',
        seeds=1,
    )
    world = World(
        optimum=tuple(generator.uniform(-0.4, 1.4, 2)),
        noise=0.05,
        cliff=float(generator.choice([-0.5, 0.3, 2.0], p=[0.2, 0.4, 0.4])),
    )
    costs = {arm: {item.name: cost(float(generator.uniform(40, 160))) for item in study.tasks} for arm in arms}
    return study, world, costs


@functools.cache
def simulated(seed: int, share: float = 1.0) -> tuple | None:
    """Study, schedule, records and manifest, broken off after `share` of the runs; None where the plan refuses the costs."""
    study, world, costs = drawn(seed)
    manifest, records = {'costs': costs}, {}
    try:
        for _ in range(ROUNDS):
            planned = schedule(study, records, manifest)
            wanted = [trial for trial in planned.trials if trial.id not in records]
            for trial in wanted:
                told = {'steps': trial.program.steps, 'batch': trial.program.batch, 'optimizer': trial.program.optimizer}
                more = {'held': trial.held, 'phase': trial.phase, 'arm': trial.arm, 'task': trial.task, 'seed': trial.seed}
                where = {'replicate': trial.replicate, 'checksum': 'same', 'knobs': dict(trial.knobs)}
                records[trial.id] = {**simulated_record(study, world, trial, seed), **told, **more, **where}
            if not wanted:
                break
    except ValueError as error:
        assert 'off; give the task more steps' in str(error)
        return None
    if share < 1:
        records = dict(list(records.items())[: int(len(records) * share)])
        planned = schedule(study, records, manifest)
    return study, planned, records, manifest


def answers(study: Study, planned: Schedule, records: dict, manifest: dict) -> dict[str, bool]:
    """Whether budgets are equal, by each who speaks of it. Verdicts speak only once a look is whole."""
    reading = Reading(study, planned, records, manifest)
    said = {
        'rule': all(one.equal is not False and not one.unknown for one in judged(study, planned, records, manifest)),
        'ledger': all(one.equal is not False and not one.unknown for one in ledger(reading).equality),
        'checklist': next(check.holds for check in verify(reading) if check.rule.endswith('the same budget')),
    }
    others = ('runs of', 'every tuning run of')
    blocked = [f.reason for f in findings(reading) if f.verdict == 'not comparable']
    if planned.look and not any(other in reason for other in others for reason in blocked):
        said['verdicts'] = not any('budgets' in reason for reason in blocked)
    return said


def judged(study: Study, planned: Schedule, records: dict, manifest: dict) -> tuple[Equality, ...]:
    return equalities(study, planned, records, manifest.get('costs', {}))


@pytest.mark.parametrize('share', [1.0, 0.6])
@pytest.mark.parametrize('seed', range(DRAWS))
def test_what_the_plan_makes_is_equal_to_all(seed, share):
    made = simulated(seed, share)
    if made is None:
        return
    said = answers(*made)
    if made[0].recipe == 'same':
        # Only the base is tuned: nobody calls that equal. The verdicts are what such a study is to show.
        assert said.pop('verdicts', True)
        assert set(said.values()) == {False}
    else:
        assert set(said.values()) == {True}, [one for one in judged(*made) if not one.equal]


def test_draws_hold_what_matters():
    """Else the tests here say little."""
    whole = [made for made in map(simulated, range(DRAWS)) if made]
    assert DRAWS / 2 < len(whole) < DRAWS, 'the plan refuses some'
    studies = [study for study, *_ in whole]
    assert {(study.budget, study.base_factor) for study in studies} == {
        (budget, factor) for budget in ('trials', 'compute') for factor in (1, 2)
    }
    assert {study.recipe for study in studies} == {'own', 'same'}
    assert {bool(study.against) for study in studies} == {len(study.looks) > 1 for study in studies} == {True, False}
    said = [one for made in whole for one in judged(*made)]
    assert any('nothing to confirm' in one.why for one in said)
    parts = [made for seed in range(DRAWS) if (made := simulated(seed, 0.6))]
    assert any(0 < planned.look < study.replicates for study, planned, *_ in parts)


def altered(seed: int, how: str) -> tuple | None:
    """A finished study with one replicate of its last arm made unequal."""
    made = simulated(seed)
    if made is None or made[0].recipe == 'same':
        return None
    study, planned, records, manifest = made
    arm, item = list(study.arms)[-1], study.tasks[-1]
    key = 'tune', arm, item.name, study.replicates - 1
    trial = planned.asked[key][0]
    record, asked = records[trial.id], planned.asked[key]
    if how == 'one run less':
        return study, dataclasses.replace(planned, asked={**planned.asked, key: asked[1:]}), records, manifest
    if how == 'one run more':
        return study, dataclasses.replace(planned, asked={**planned.asked, key: [*asked, trial]}), records, manifest
    if how == 'a replicate less':
        left = {name: trials for name, trials in planned.asked.items() if name != key}
        return study, dataclasses.replace(planned, asked=left), records, manifest
    if how == 'a record of more steps':
        record = {**record, 'steps': record['steps'] + item.evaluations}
    if how == 'a record of a larger batch':
        record = {**record, 'batch': 2 * record['batch']}
    if how == 'a diverged record of fewer steps':
        record = {**record, 'status': 'diverged', 'score': None, 'steps': record['steps'] // 2}
    return study, planned, {**records, trial.id: record}, manifest


@pytest.mark.parametrize('seed', range(DRAWS))
@pytest.mark.parametrize(
    'how',
    [
        'one run less',
        'one run more',
        'a replicate less',
        'a record of more steps',
        'a record of a larger batch',
        'a diverged record of fewer steps',
    ],
)
def test_what_is_altered_is_unequal_to_all(seed, how):
    made = altered(seed, how)
    if made is not None:
        assert set(answers(*made).values()) == {False}, how


@pytest.mark.parametrize('seed', range(1, DRAWS, 2))
def test_other_or_unknown_costs_are_no_equal_compute(seed):
    made = simulated(seed)
    if made is None:
        return
    study, planned, records, manifest = made
    arm, name = list(study.arms)[-1], study.tasks[0].name
    flops = manifest['costs'][arm][name]['flops']
    for other in (cost(2 * flops), cost(None), {}):
        told = {**manifest['costs'], arm: {**manifest['costs'][arm], name: other}}
        assert set(answers(study, planned, records, {'costs': told}).values()) == {False}


def test_a_failed_run_is_charged_in_full():
    study, planned, records, manifest = simulated(0)
    trial = planned.asked['tune', 'arm_0', study.tasks[0].name, 0][0]
    failed = {**records, trial.id: {**records[trial.id], 'status': 'failed', 'score': None}}
    assert [one.equal for one in judged(study, planned, failed, manifest)] == [one.equal for one in judged(*simulated(0))]


def test_records_that_nothing_asks_for_change_no_budget():
    study, planned, records, manifest = simulated(0)
    stray = {**next(iter(records.values())), 'id': 'stray', 'steps': 7}
    assert judged(study, planned, {**records, 'stray': stray}, manifest) == judged(study, planned, records, manifest)


def test_the_plan_accepts_what_the_rule_calls_a_match_and_nothing_else():
    """Over costs from a tenth to tenfold and few to many evaluations."""
    generator, accepted = np.random.default_rng(0), 0
    study = drawn(1)[0]
    for _ in range(600):
        evaluations = int(generator.integers(1, 12))
        item = dataclasses.replace(study.tasks[0], steps=evaluations * int(generator.integers(1, 40)), evaluations=evaluations)
        flops = float(np.exp(generator.uniform(-2.3, 2.3))) * 100
        costs = {'base': {item.name: {'flops': 100.0}}, 'arm_0': {item.name: {'flops': flops}}}
        wanted = steps_at_equal_compute(item, flops, 100.0)
        try:
            given = steps(study, 'arm_0', item, costs)
        except ValueError:
            assert not any(matches(n * evaluations, wanted, evaluations) for n in range(1, 420))
            continue
        accepted += 1
        assert matches(given, wanted, evaluations) and given % evaluations == 0
        assert abs(given - wanted) <= evaluations / 2 + 1e-9 and abs(given / wanted - 1) <= ROUNDING
        assert not matches(given + 2 * evaluations, wanted, evaluations)
    assert 150 < accepted < 580


@pytest.mark.parametrize(('wanted', 'evaluations', 'nearest'), [(25.0, 10, 20), (35.0, 10, 40), (3.0, 10, 10), (128.0, 1, 128)])
def test_steps_are_rounded_to_whole_evaluations(wanted, evaluations, nearest):
    """A half goes to the even number, as Python rounds; either neighbour of a half would match but for ROUNDING."""
    assert whole_evaluations(wanted, evaluations) == nearest


@pytest.mark.parametrize(
    ('steps_given', 'evaluations', 'equal'), [(104, 8, True), (96, 8, True), (106, 12, False), (94, 12, False)]
)
def test_rounding_by_more_than_a_twentieth_matches_nothing(steps_given, evaluations, equal):
    """All are the whole evaluations next to 100 steps."""
    assert matches(steps_given, 100.0, evaluations) is equal


def test_amounts_add_up_and_an_unknown_one_makes_the_sum_unknown():
    one, two = Amount(1, 10, 100, 7), Amount(2, 20, 200, None)
    assert one + one == Amount(2, 20, 200, 14) and (one + two).flops is None and (two + one).trials == 3
    assert sum([], Amount()) == Amount(0, 0, 0, 0)


@pytest.mark.parametrize(
    ('record', 'told'),
    [
        (None, (140, 64)),
        ({'steps': 70, 'batch': 32}, (70, 32)),
        ({'steps': 70, 'until': 35}, (35, 64)),
        ({'until': 0, 'steps': 70}, (70, 64)),
        ({}, (140, 64)),
    ],
)
def test_the_length_of_a_run_is_that_of_its_record(record, told):
    study = Study(name='s', question='?', arms={'base': ()}, tasks=('digits',), trials=2, replicates=1, looks=())
    trial = schedule(study, {}, {}).trials[0]
    assert length(trial, {} if record is None else {trial.id: record}) == told
    costs = {'base': {'digits': {'flops': 5.0}}}
    steps, batch = told
    assert amount([trial], costs, {trial.id: record or {}}) == Amount(1, steps, steps * batch, 5.0 * steps)
    assert amount([trial], {}).flops is None and amount([trial], costs) == Amount(1, 140, 140 * 64, 700.0)


@pytest.mark.parametrize(
    ('steps_given', 'wanted', 'evaluations', 'same'),
    [
        (100, 100.0, 10, True),
        (100, 104.9, 10, True),
        (100, 95.2, 10, False),
        (100, 96.0, 10, True),
        (110, 105.0, 10, True),
        (100, 105.0, 10, True),
        (100, 106.0, 10, False),
        (90, 96.0, 10, False),
    ],
)
def test_steps_match_the_wanted_ones_rounded_to_whole_evaluations(steps_given, wanted, evaluations, same):
    assert matches(steps_given, wanted, evaluations) == same


def test_a_judgement_names_the_first_difference_and_all_arms_that_differ():
    arms = {'base': (), 'a': (), 'b': ()}
    study = Study(
        name='s', question='?', arms=arms, tasks=('digits',), trials=2, replicates=2, looks=(), extension=0, share=False
    )
    planned = schedule(study, {}, {})
    assert [one.why for one in equalities(study, planned, {}, {})] == [
        '2 trials, 280 steps, 17,920 examples for each of 6 replicates of 3 arms',
        'nothing is asked for yet',
        'nothing is asked for yet',
    ]
    cut = {key: trials[1:] if key[1:] == ('b', 'digits', 1) else trials for key, trials in planned.asked.items()}
    tune, *_ = equalities(study, dataclasses.replace(planned, asked=cut), {}, {})
    assert (tune.equal, tune.why, list(tune.unequal)) == (False, 'b replicate 1: 1 trials; base replicate 0: 2', ['b'])
    first = planned.asked['tune', 'a', 'digits', 0]
    longer = {first[0].id: {'steps': 141}, planned.asked['tune', 'b', 'digits', 0][0].id: {'batch': 65}}
    tune, *_ = equalities(study, planned, longer, {})
    assert tune.unequal == {
        'a': 'a replicate 0: 281 steps; base replicate 0: 280',
        'b': 'b replicate 0: 18,060 examples; base replicate 0: 17,920',
    }
    # Two runs whose steps add up to the same are other runs all the same.
    shifted = {first[0].id: {'steps': 139}, first[1].id: {'steps': 141}}
    tune, *_ = equalities(study, planned, shifted, {})
    assert tune.why == 'a replicate 0: runs of other steps or batches than base replicate 0'
