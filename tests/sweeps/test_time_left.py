"""Time left: by hand counts, where packs run side by side, are compiled, wait in a queue or come from another run."""

from types import SimpleNamespace

import pytest

from ablations.trial import Program
from sweeps.protocol.duration import estimated_seconds
from sweeps.time_left import TimeLeft

COSTS = {
    'base': {'digits': {'flops': 1e9}, 'recall': {'flops': 2e9}},
    'other': {'digits': {'flops': 1e9}, 'recall': {'flops': 2e9}},
}


def program(arm: str, task: str) -> Program:
    return Program('s', arm, task, task, 'adamw', 100, 8, 2, {'kind': task}, {'of': arm})


PROGRAMS = [program(arm, task) for arm in ('base', 'other') for task in ('digits', 'recall')]


def pack(name: str, arm: str = 'base', task: str = 'digits', count: int = 2) -> SimpleNamespace:
    return SimpleNamespace(id=name, program=program(arm, task), trials=[name] * count)


def records(seconds: float, compiled: float = 0.0, count: int = 2) -> list[dict]:
    """Lanes that ran together: each has its share of compiling."""
    about = {'strategy': 'vmap', 'lanes': count, 'compile_seconds': compiled}
    return [{'cost': {'seconds': seconds}, 'pack': {**about, 'lane': lane}} for lane in range(count)]


@pytest.fixture
def told() -> TimeLeft:
    """Two packs of one program, one after the other: 10 seconds of compiling, and 5 for each run."""
    left = TimeLeft(PROGRAMS)
    left.started(pack('a'), 100.0)
    left.finished(pack('a'), records(10.0, 10.0), 120.0)
    assert left.seconds({'digits': 4}, COSTS, 120.0) is None, 'what the first pack took is mostly compiling'
    left.started(pack('b'), 120.0)
    left.finished(pack('b'), records(5.0), 130.0)
    return left


def test_what_is_left_is_trained_and_compiled_by_as_many_as_were_at_work(told: TimeLeft):
    # The other arm has 10 seconds of compiling to come, and 30 seconds of work were done in 30.
    assert told.seconds({'digits': 4}, COSTS, 130.0) == pytest.approx(4 * 5 + 10)
    assert told.seconds({'digits': 0}, COSTS, 130.0) == told.seconds({'digits': -3}, COSTS, 130.0) == 0
    assert told.seconds({'digits': 4}, COSTS, 160.0) == pytest.approx((4 * 5 + 10) * 2), 'nobody was at work for as long'


def test_a_task_that_has_not_begun_takes_as_much_longer_as_its_flops_say(told: TimeLeft):
    ratio = estimated_seconds(100, 2e9) / estimated_seconds(100, 1e9)
    assert ratio > 1.5
    assert told.seconds({'recall': 4}, COSTS, 130.0) == pytest.approx(4 * 5 * ratio + 2 * 10)


def test_packs_under_way_have_done_a_part_and_are_at_work(told: TimeLeft):
    told.started(pack('c', 'other'), 130.0)
    # It has 20 seconds to go, of which 6 are over; 36 seconds of work in 36.
    assert told.seconds({'digits': 4}, COSTS, 136.0) == pytest.approx(4 * 5 + 10 - 6)
    assert told.seconds({'digits': 4}, COSTS, 190.0) == pytest.approx(4 * 5 + 10 - 20), 'it takes longer than it should'
    told.started(pack('d'), 130.0)
    at_a_time = (30 + 2 * 6) / 36
    assert told.seconds({'digits': 6}, COSTS, 136.0) == pytest.approx((6 * 5 + 10 - 2 * 6) / at_a_time)


def test_in_a_queue_nobody_knows_which_packs_are_under_way():
    left = TimeLeft(PROGRAMS, queue=True)
    for name, began, ended in (('a', 100.0, 120.0), ('b', 100.0, 140.0)):
        left.started(pack(name), began)
        left.finished(pack(name), records(10.0, 10.0 if name == 'a' else 0.0), ended)
    left.started(pack('c'), 140.0)
    # 40 seconds of work in the 40 to the last end, whatever the time is now; each run 5 and 10 seconds.
    wanted = 4 * (2 * 5 + 2 * 10) / 4 + 10
    assert left.seconds({'digits': 4}, COSTS, 140.0) == left.seconds({'digits': 4}, COSTS, 900.0) == pytest.approx(wanted)


def test_what_took_no_time_or_was_another_runs_tells_less(told: TimeLeft):
    before = told.seconds({'digits': 4}, COSTS, 130.0)
    told.finished(pack('e'), [{'cost': None}, {'cost': {}}], 130.0)
    assert told.seconds({'digits': 4}, COSTS, 130.0) == before
    # By another run: how long a run takes is known better, how many are at work is not.
    told.finished(pack('f'), records(8.0), 130.0)
    assert told.seconds({'digits': 4}, COSTS, 130.0) == pytest.approx(4 * 6 + 10)
    assert TimeLeft(PROGRAMS).seconds({'digits': 4}, COSTS, 130.0) is None
