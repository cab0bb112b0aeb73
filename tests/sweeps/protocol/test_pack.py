"""Packs: whole, stable under growth, and the same in another process."""

import dataclasses
import json

import pytest

from ablations.studies import STUDIES
from sweeps.protocol.duration import estimated_seconds
from sweeps.protocol.pack import Pack
from sweeps.protocol.packing import SECONDS, lanes_of, pack
from sweeps.protocol.plan import plan, schedule
from sweeps.protocol.simulate import World, simulate

STUDY = STUDIES['quickstart']


@pytest.fixture(scope='module')
def finished():
    return simulate(STUDY, World(), 0)


def test_every_trial_is_in_one_pack_of_one_program(finished):
    planned, _ = finished
    packs = pack(STUDY, planned.trials, {})
    ids = [trial.id for item in packs for trial in item.trials]
    assert sorted(ids) == sorted(trial.id for trial in planned.trials) and len(set(ids)) == len(ids)
    for item in packs:
        assert len({(trial.program.id, trial.phase, trial.held) for trial in item.trials}) == 1
        assert len(item.trials) <= 16
        if item.held == 'tuning':
            assert len({trial.replicate for trial in item.trials}) == 1


def test_a_pack_is_a_function_of_what_is_planned(finished):
    _, records = finished
    first = plan(STUDY, {}, {})
    half = {trial.id: records[trial.id] for trial in first[::2]}
    before = pack(STUDY, schedule(STUDY, {}, {}).trials, {})
    after = pack(STUDY, schedule(STUDY, half, {}).trials, {})
    assert [item.id for item in before] == [item.id for item in after]


def test_more_replicates_add_tuning_packs_and_change_none():
    grown = dataclasses.replace(STUDY, replicates=5, looks=(5,))
    before = {item.id for item in pack(STUDY, schedule(STUDY, {}, {}).trials, {})}
    after = {item.id for item in pack(grown, schedule(grown, {}, {}).trials, {})}
    assert before < after


def test_a_pack_survives_the_way_to_another_process(finished):
    for item in pack(STUDY, finished[0].trials, {})[::17]:
        assert Pack.from_dict(json.loads(json.dumps(item.to_dict()))) == item


def test_where_lanes_run_one_by_one_a_pack_takes_some_seconds_and_no_more(finished):
    """By costs that are known before the first pack and stay, so that a restart makes the same packs."""
    planned, _ = finished
    costs = {arm: {task.name: {'flops': 1e6 * 10**at} for task in STUDY.tasks} for at, arm in enumerate(STUDY.arms)}
    manifest = {'strategy': 'loop', 'costs': costs}
    sizes: dict[tuple, int] = {}
    for item in pack(STUDY, planned.trials, manifest):
        key = item.program.arm, item.program.task
        sizes[key] = max(sizes.get(key, 0), len(item.trials))
    assert {1, 2} < set(sizes.values()) and max(sizes.values()) > 4
    for (arm, task), size in sizes.items():
        assert size == 1 or size * estimated_seconds(STUDY.task(task).steps, costs[arm][task]['flops']) < 1.25 * SECONDS


def test_where_lanes_run_side_by_side_a_pack_has_all_replicates_of_a_look(finished):
    packs = pack(STUDY, finished[0].trials, {'strategy': 'vmap'})
    for item in packs:
        replicates = {trial.replicate for trial in item.trials}
        assert len(replicates) == STUDY.replicates or item.trials[0].phase != 'tune'
    assert len({(item.program.id, item.trials[0].phase) for item in packs}) == len(packs)


@pytest.mark.parametrize(
    ('manifest', 'until', 'lanes'),
    [
        ({}, 0, 16),
        ({'strategy': 'map'}, 0, 16),
        ({'strategy': 'vmap'}, 0, 256),
        ({'strategy': 'vmap', 'lanes': 5}, 0, 5),
        # A step takes a millisecond and its FLOPs by 1e10 a second: 100 steps are 0.1 and 1.1 seconds.
        ({'strategy': 'loop', 'pack_seconds': 0.5}, 0, 5),
        ({'strategy': 'loop', 'pack_seconds': 0.5, 'lanes': 3}, 0, 3),
        ({'strategy': 'loop', 'pack_seconds': 0.01}, 0, 1),
        ({'strategy': 'loop', 'pack_seconds': 100}, 0, 16),
        ({'strategy': 'loop', 'pack_seconds': 0.5}, 50, 10),
        ({'strategy': 'loop', 'costs': {'layer_norm': {'digits': {'flops': 1e8}}}}, 0, 4),
    ],
)
def test_lanes_of_a_pack(manifest: dict, until: int, lanes: int):
    program = dataclasses.replace(STUDY.program('layer_norm', 'digits', 'adamw'), steps=100)
    assert lanes_of(program, manifest, until) == lanes


@pytest.mark.parametrize(('manifest', 'together'), [({'pack_seconds': SECONDS}, False), ({'pack_seconds': SECONDS + 1}, True)])
def test_packs_of_more_seconds_than_usual_have_all_replicates_of_a_look(finished, manifest: dict, together: bool):
    tuned = [one for one in pack(STUDY, finished[0].trials, {**manifest, 'lanes': 999}) if one.held == 'tuning']
    assert (max(len({trial.replicate for trial in one.trials}) for one in tuned) > 1) == together


@pytest.mark.parametrize('strategy', ['loop', 'vmap'])
def test_packs_are_of_one_look_and_confirmations_of_all_its_replicates(strategy: str):
    """A look of later replicates adds packs: those of the first replicates are as they were."""
    looked = dataclasses.replace(STUDY, replicates=5, looks=(2, 3, 5), tune={'adamw': STUDY.tune['adamw']}, tasks=('digits',))
    planned, _ = simulate(looked, World(), 0)
    packs = pack(looked, planned.trials, {'lanes': 999, **({'strategy': strategy} if strategy == 'vmap' else {})})
    looks = {0: (0, 1), 1: (0, 1), 2: (2,), 3: (3, 4), 4: (3, 4)}
    for one in packs:
        replicates = tuple(sorted({trial.replicate for trial in one.trials}))
        alone = strategy == 'loop' and one.held == 'tuning'
        assert replicates == ((replicates[0],) if alone else looks[replicates[0]]), one.trials[0].phase
