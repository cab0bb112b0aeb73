"""Barren: arms that gave nothing are named, others not."""

import pytest

from results.barren import barren, still, stood

RUN = {'arm': 'mine', 'task': 'digits', 'held': 'tuning', 'status': 'ok', 'initial_loss': 2.3, 'final_loss': 1.0}
BASE = {**RUN, 'arm': 'base'}
DIVERGED, FAILED = {**RUN, 'status': 'diverged', 'final_loss': None}, {**RUN, 'status': 'failed', 'final_loss': None}
TEST = {'held': 'test'}


@pytest.mark.parametrize(
    ('runs', 'said'),
    [
        ([RUN, RUN, BASE], []),
        ([RUN, DIVERGED, BASE], []),
        ([DIVERGED, BASE], []),
        ([DIVERGED, DIVERGED, BASE], ["every run of 'mine' on digits diverged (2 of 2)"]),
        ([DIVERGED, FAILED, BASE], ["every run of 'mine' on digits diverged or failed (2 of 2)"]),
        ([RUN, DIVERGED | TEST, DIVERGED | TEST, BASE], ["every confirmation run of 'mine' on digits diverged (2 of 2)"]),
        ([DIVERGED, DIVERGED, RUN | {'task': 'recall'}], ["every run of 'mine' on digits diverged (2 of 2)"]),
        ([FAILED, FAILED, FAILED | {'arm': 'base'}], ['every run of the study failed (3 of 3)']),
    ],
)
def test_arms_without_a_score_are_named(runs: list[dict], said: list[str]):
    assert barren(runs) == said


def test_arms_that_stood_still_are_named():
    stood = {**RUN, 'final_loss': 2.299}
    assert still([stood, RUN, BASE, BASE]) == [] == still([stood, BASE])
    assert still([{**RUN, 'final_loss': 2.29}] * 2) == []
    (said,) = still([stood, stood, DIVERGED, BASE, BASE])
    assert said.startswith("nothing of 'mine' on digits moved: ") and said.endswith('(2 of 2)')


STOPPED = {**RUN, 'status': 'stopped'}


def test_runs_up_to_a_stop_count_for_nothing():
    assert barren([STOPPED, STOPPED, BASE]) == [] == barren([STOPPED] * 3)
    assert barren([DIVERGED, STOPPED, BASE]) == [], 'one run is not every run'
    assert barren([DIVERGED, DIVERGED, STOPPED, BASE]) == ["every run of 'mine' on digits diverged (2 of 2)"]
    assert still([{**STOPPED, 'final_loss': 2.3}] * 2) == []


def test_an_arm_that_gave_nothing_is_named_once_and_each_task_by_itself():
    lost = [DIVERGED, DIVERGED, DIVERGED | TEST, DIVERGED | TEST]
    assert barren([*lost, BASE]) == ["every run of 'mine' on digits diverged (4 of 4)"]
    others = [one | {'task': 'recall'} for one in lost[:2]]
    assert len(barren([*lost, *others, BASE])) == 2
    assert barren([DIVERGED]) == [] and barren([]) == []


@pytest.mark.parametrize(
    ('first', 'last', 'told'),
    [
        (2.0, 2.0, True),
        (2.0, 2.0015, True),
        (2.0, 1.9985, True),
        (2.0, 2.0021, False),
        (2.0, 1.9, False),
        (-2.0, -2.001, True),
        (0.0, 0.0, True),
        (0.0, 0.1, False),
        (None, 2.0, False),
        (2.0, None, False),
    ],
)
def test_a_run_stands_still_within_a_thousandth_of_its_first_loss(first, last, told):
    assert stood({'initial_loss': first, 'final_loss': last}) == told
