"""Runs: which trials and records belong to an arm on a task."""

import dataclasses
import math

import numpy as np
import pytest

from ablations.study import Study
from results.runs import Runs
from results.store.item_scores import packed
from results.store.reading import Reading
from sweeps.protocol.simulate import World, simulate

STUDY = Study(
    name='told', question='Is it?', arms={'base': (), 'arm': ()}, tasks=('stdlib_bytes',), trials=6, replicates=2, seeds=2
)
SCHEDULE, RECORDS = simulate(STUDY, World(optimum=(1.3, 0.5), cliff=9.0, noise=0.01), seed=0)


def runs(records: dict = RECORDS, schedule=SCHEDULE, arm: str = 'arm') -> Runs:
    return Runs(Reading(STUDY, schedule, records), arm, STUDY.tasks[0])


def test_first_trials_are_those_before_the_rounds_past_edges():
    trials, first = runs().tuned('adamw', 1), runs().tuned('adamw', 1, first=True)
    assert len(first) == 3 < len(trials) == 6
    assert trials[:3] == first
    assert {(t.arm, t.replicate, t.phase) for t in first} == {('arm', 1, 'tune')}
    assert ((runs().units(first) >= 0) & (runs().units(first) <= 1)).all()
    assert runs().units(trials)[:, 0].max() > 1
    low, high = STUDY.tune['adamw']['lr'].low, STUDY.tune['adamw']['lr'].high
    rates = np.array([dict(trial.knobs)['lr'] for trial in trials])
    assert runs().units(trials)[:, 0] == pytest.approx(np.log(rates / low) / np.log(high / low))


def test_later_batches_of_a_search_are_no_extension():
    key = 'tune', 'arm', 'stdlib_bytes', 1
    first, *others = SCHEDULE.asked[key]
    schedule = dataclasses.replace(
        SCHEDULE, asked={**SCHEDULE.asked, key: [dataclasses.replace(first, phase='tune_2'), *others]}
    )
    assert len(runs(schedule=schedule).tuned('adamw', 1, first=True)) == 3


def test_until_all_are_recorded_there_is_nothing():
    last = runs().tuned('adamw', 0)[-1]
    left = {key: record for key, record in RECORDS.items() if key != last.id}
    assert runs(left).tuned('adamw', 0) is None
    assert len(runs(left).tuned('adamw', 0, first=True)) == 3
    assert runs().tuned('sgd', 0) is None
    one = runs().asked('confirm', 1)[0]
    assert runs({key: record for key, record in RECORDS.items() if key != one.id}).confirmed() is None
    assert runs(schedule=dataclasses.replace(SCHEDULE, asked={})).confirmed() is None


def test_scores_are_in_the_good_direction():
    trials = runs().tuned('adamw', 0)
    lost = {**RECORDS, trials[1].id: {**RECORDS[trials[1].id], 'status': 'diverged', 'score': None}}
    wanted = [-RECORDS[trial.id]['score'] for trial in trials]
    wanted[1] = -math.inf
    assert runs(lost).scores(trials, -math.inf).tolist() == wanted


def test_confirmed_values_are_means_over_seeds_that_did_not_diverge():
    first, second = runs().asked('confirm', 0)
    lost = {**RECORDS, first.id: {**RECORDS[first.id], 'status': 'diverged', 'score': None}}
    wanted = -RECORDS[second.id]['score']
    confirmed = runs(lost).confirmed()
    assert confirmed == pytest.approx([wanted, -np.mean([RECORDS[t.id]['score'] for t in runs().asked('confirm', 1)])])


def test_a_replicate_with_nothing_to_confirm_has_no_value():
    asked = {**SCHEDULE.asked, ('confirm', 'arm', 'stdlib_bytes', 0): []}
    confirmed = runs(schedule=dataclasses.replace(SCHEDULE, asked=asked)).confirmed()
    assert np.isnan(confirmed[0])
    assert np.isfinite(confirmed[1])
    assert confirmed[1] == runs().confirmed()[1]


def test_replicates_are_those_of_the_look():
    assert runs().replicates == range(2)
    study = dataclasses.replace(STUDY, replicates=4, looks=(3, 4))
    before = dataclasses.replace(SCHEDULE, look=0)
    assert Runs(Reading(study, before, {}), 'arm', study.tasks[0]).replicates == range(3)
    twice = dataclasses.replace(STUDY, base_factor=2)
    assert [len(Runs(Reading(twice, SCHEDULE, {}), arm, twice.tasks[0]).replicates) for arm in twice.arms] == [4, 2]


def test_a_run_that_failed_is_none_that_diverged():
    """Nor is a replicate whose tuning failed one in which everything diverged."""
    confirm = [trial.id for replicate in (0, 1) for trial in runs().asked('confirm', replicate)]
    failed = {key: {**row, 'status': 'failed', 'score': None} if key in confirm[:2] else row for key, row in RECORDS.items()}
    assert (runs(failed).divergences.diverged, runs(failed).divergences.runs) == (0, 2)
    schedule = dataclasses.replace(SCHEDULE, selections={**SCHEDULE.selections, ('arm', 'stdlib_bytes', 0): None})
    assert runs(schedule=schedule).divergences.by_replicate == (2, 0)
    first = runs().asked('tune', 0)[0].id
    broken = {**RECORDS, first: {**RECORDS[first], 'status': 'failed', 'score': None}}
    assert runs(broken, schedule).divergences.runs_by_replicate == (0, 2)
    assert runs(broken, schedule).divergences.by_replicate == (0, 0), 'as many as there are replicates'


def with_items(*sizes: int, missing: int | None = None) -> Runs:
    """Confirmation runs that hold what they scored on so many items, in turn; one of them diverged where `missing`."""
    known = dict(RECORDS)
    trials = [trial for replicate in (0, 1) for trial in runs().asked('confirm', replicate)]
    for place, trial in enumerate(trials):
        scores = np.arange(sizes[place % len(sizes)], dtype=np.float32) + place
        known[trial.id] = {**known[trial.id], 'item_scores': packed(scores)}
        if place == missing:
            known[trial.id] |= {'status': 'diverged', 'score': None}
    return runs(known)


def test_items_are_averaged_over_seeds_in_the_good_direction():
    assert with_items(3).items().tolist() == [[-0.5, -1.5, -2.5], [-2.5, -3.5, -4.5]]
    assert with_items(3, missing=0).items()[0].tolist() == [-1.0, -2.0, -3.0], 'a run that diverged has none'
    assert with_items(3, 4).items() is None and runs().items() is None


def test_failures_are_counted_by_phase():
    first = runs().asked('tune', 0)[0].id
    broken = runs({**RECORDS, first: {**RECORDS[first], 'status': 'failed', 'score': None}})
    assert (broken.failed('tune'), broken.failed('confirm')) == (1, 0) and broken.failures(broken.asked('tune', 1)) == 0
    assert broken.failures([]) == 0 and runs({}).failed('tune') == 0


def test_all_runs_of_a_stopped_tuning_are_unknown():
    key = 'tune', 'arm', 'stdlib_bytes', 1
    first, *others = SCHEDULE.asked[key]
    stopped = dataclasses.replace(SCHEDULE, asked={**SCHEDULE.asked, key: [dataclasses.replace(first, until=3), *others]})
    assert runs(schedule=stopped).tuned('adamw', 1) is None and runs(schedule=stopped).tuned('adamw', 1, first=True) is None
    assert runs(schedule=stopped).tuned('adamw', 0) is not None
    assert runs().tuned_alike('adamw', 1) == runs().tuned('adamw', 1), 'without a screening all are alike'
    screened = dataclasses.replace(
        runs().reading, study=dataclasses.replace(STUDY, tune=STUDY.tune | {'sgd': STUDY.tune['adamw']}, screening=4)
    )
    alike = dataclasses.replace(runs(), reading=screened).tuned_alike('adamw', 1)
    assert [trial.extends for trial in alike] == [False] * 3
