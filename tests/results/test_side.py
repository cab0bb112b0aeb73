"""Side: what a comparison sees of one arm, from records whose truth is known."""

import dataclasses

import numpy as np
import pytest
from told_study import study

from results.side import Side
from results.store.reading import Reading
from sweeps.protocol.simulate import World, simulate

ASKED = study()
SCHEDULE, RECORDS = simulate(ASKED, World(), seed=0)


def arm(records: dict | None = None, schedule: object = SCHEDULE) -> Side:
    return Side(Reading(ASKED, schedule, RECORDS if records is None else records), 'arm', ASKED.tasks[0])


def changed(phase: str, replicate: int, **fields: object) -> dict:
    trial = SCHEDULE.asked[phase, 'arm', 'digits', replicate][0]
    return {**RECORDS, trial.id: {**RECORDS[trial.id], **fields}}


def test_runs_are_those_of_tuning_and_confirmation():
    counts = {phase: sum(len(SCHEDULE.asked[phase, 'arm', 'digits', r]) for r in range(5)) for phase in ('tune', 'confirm')}
    assert {phase: len(arm().recorded(phase)) for phase in counts} == counts
    assert len(arm().runs) == sum(counts.values())
    assert arm({}).runs == [] and arm({}).diverged_share is None


@pytest.mark.parametrize('phase', ['tune', 'confirm'])
def test_a_failed_run_leaves_no_values_and_a_diverged_one_counts(phase: str):
    failed, diverged = (arm(changed(phase, 2, status=status, score=None)) for status in ('failed', 'diverged'))
    assert failed.failed(phase) and failed.values is None
    assert not diverged.failed(phase) and np.isfinite(diverged.values).all()
    assert diverged.diverged_share == pytest.approx(arm().diverged_share + 1 / len(arm().runs))


def test_nothing_is_selected_only_where_every_replicate_has_no_point():
    none = {key: None for key in SCHEDULE.selections if key[0] == 'arm'}
    for some, nothing in ((none, True), (dict(list(none.items())[1:]), False)):
        side = arm(schedule=dataclasses.replace(SCHEDULE, selections={**SCHEDULE.selections, **some}))
        assert side.nothing_selected is nothing


def test_optimism_is_the_expected_score_less_the_confirmed_one():
    gaps = []
    for replicate in range(5):
        trials = SCHEDULE.asked['confirm', 'arm', 'digits', replicate]
        confirmed = np.mean([RECORDS[trial.id]['score'] for trial in trials])
        gaps.append(SCHEDULE.selections['arm', 'digits', replicate].score - confirmed)
    assert arm().optimism == pytest.approx(np.mean(gaps))
    assert arm({}).optimism is None


def test_shared_runs_are_averaged_like_confirmed_ones():
    wanted = [np.mean([RECORDS[t.id]['score'] for t in SCHEDULE.asked['share', 'arm', 'digits', r]]) for r in range(5)]
    assert arm().confirmed('share') == pytest.approx(wanted)


def test_failed_shared_runs_leave_no_shared_values_and_change_no_others():
    side = arm(changed('share', 1, status='failed', score=None))
    assert side.shared is None and side.values is not None and side.failed('share')
    assert arm().shared is not None


def test_versions_and_flags_are_those_of_all_runs():
    newer = {'environment': {'source': 'newer', 'flags': '--fast'}}
    for phase in ('tune', 'confirm'):
        side = arm(changed(phase, 0, **newer))
        assert len(side.sources) == 2 and 'newer' in side.sources and side.flags == {'none', '--fast'}
    assert len(arm(changed('share', 0, **newer)).sources) == 1, 'runs at the recipe of the base are no side of a claim'
    bare = arm(changed('tune', 0, environment=None))
    assert 'None' in bare.sources and bare.flags == {'none'}


def test_a_leak_of_any_confirmation_run_is_told():
    assert arm().leak == '' and arm(changed('confirm', 3, leak='sees 5')).leak == 'sees 5'
    assert arm(changed('tune', 3, leak='sees 5')).leak == '' and arm(changed('confirm', 3, leak=None)).leak == ''


def test_optimism_leaves_out_replicates_without_a_point_or_a_value():
    none = dataclasses.replace(SCHEDULE, selections={**SCHEDULE.selections, ('arm', 'digits', 0): None})
    gaps = [SCHEDULE.selections['arm', 'digits', r].score - arm().confirmed()[r] for r in range(5)]
    assert arm(schedule=none).optimism == pytest.approx(np.mean(gaps[1:]))
    lost = {t.id: {**RECORDS[t.id], 'status': 'diverged', 'score': None} for t in SCHEDULE.asked['confirm', 'arm', 'digits', 2]}
    assert arm({**RECORDS, **lost}).optimism == pytest.approx(np.mean([gaps[r] for r in (0, 1, 3, 4)]))
    none = {key: None for key in SCHEDULE.selections if key[0] == 'arm'}
    assert arm(schedule=dataclasses.replace(SCHEDULE, selections={**SCHEDULE.selections, **none})).optimism is None


def test_edges_of_an_arm_are_those_of_its_task():
    edges = {('arm', 'digits'): ['lr high'], ('base', 'digits'): ['lr low'], ('arm', 'recall'): ['x']}
    assert arm(schedule=dataclasses.replace(SCHEDULE, censored=edges)).censored == ('lr high',)
    assert arm(schedule=dataclasses.replace(SCHEDULE, censored={})).censored == ()
