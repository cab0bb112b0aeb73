"""Barren: arms that gave nothing are named, others not."""

import pytest

from results.barren import barren, still

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
