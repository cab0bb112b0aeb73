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
