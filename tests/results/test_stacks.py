"""Stacks: every thing has its own result, whatever is worked out at once."""

import threading
from concurrent.futures import ThreadPoolExecutor as Pool

import numpy as np
import pytest

from results import stacks
from results.surface import fits
from sweeps.protocol.search.sobol import scrambled_sobol


def several(count: int) -> list[tuple]:
    """Trials of two shapes, in turn."""
    sets = []
    for seed in range(count):
        units = scrambled_sobol(16 + seed % 2, 2, seed)
        sets.append((units, np.random.default_rng(seed).normal(0.0, 1.0, len(units)), None, None))
    return sets


def test_results_do_not_depend_on_threads(monkeypatch):
    made = {}
    for threads in (1, 4):
        monkeypatch.setattr(stacks, 'THREADS', threads)
        monkeypatch.setattr(stacks, '_processors', lambda: 4)
        monkeypatch.setattr(stacks, 'LARGEST', 1 << 14)
        monkeypatch.setattr(stacks, 'MANY', 0)
        made[threads] = fits(several(24))
    for one, other in zip(made[1], made[4], strict=True):
        assert (one.noise, one.height, one.scale, one.fall) == (other.noise, other.height, other.scale, other.fall)
        np.testing.assert_array_equal(one.weights, other.weights)


def test_many_are_worked_out_at_once(monkeypatch):
    """Each of two stacks waits until the other has begun: one after the other would never end."""
    monkeypatch.setattr(stacks, '_processors', lambda: 2)
    both = threading.Barrier(2, timeout=60)

    def work(places: list[int]) -> list[int]:
        both.wait()
        return [10 * place for place in places]

    assert stacks.stacked(['a', 'b', 'a'], [stacks.MANY] * 3, work=lambda places: [p + 1 for p in places]) == [1, 2, 3]
    assert stacks.stacked(['a', 'b'], [stacks.MANY] * 2, work) == [0, 10]


def test_few_are_worked_out_one_after_the_other(monkeypatch):
    monkeypatch.setattr(stacks, '_processors', lambda: 4)
    places = []
    stacks.stacked('abcd', [1] * 4, lambda some: places.append((some, threading.current_thread())) or some)
    assert [some for some, _ in places] == [[0], [1], [2], [3]]
    assert {thread for _, thread in places} == {threading.main_thread()}


def test_an_error_in_a_thread_is_raised(monkeypatch):
    monkeypatch.setattr(stacks, '_processors', lambda: 2)

    def work(places: list[int]) -> list[int]:
        raise ValueError(f'of {places}')

    with pytest.raises(ValueError, match=r'of \[0\]'):
        stacks.stacked(['a', 'b'], [stacks.MANY] * 2, work)


def test_threads_are_as_many_as_processors_that_this_process_may_use(monkeypatch):
    monkeypatch.setattr(stacks.os, 'sched_getaffinity', lambda process: {0, 2, 5} if process == 0 else set(), raising=False)
    monkeypatch.setattr(stacks.os, 'cpu_count', lambda: 7)
    assert stacks._processors() == 3
    monkeypatch.delattr(stacks.os, 'sched_getaffinity')
    assert stacks._processors() == 7
    monkeypatch.setattr(stacks.os, 'cpu_count', lambda: None)
    assert stacks._processors() == 1


@pytest.mark.parametrize(
    ('parts', 'processors', 'numbers', 'threads'),
    [(2, 9, 0, 2), (30, 3, 0, 3), (30, 30, 0, 8), (1, 9, 0, 0), (9, 1, 0, 0), (9, 9, -1, 0)],
)
def test_so_many_parts_are_worked_out_at_once(monkeypatch, parts, processors, numbers, threads):
    asked = []
    monkeypatch.setattr(stacks, '_processors', lambda: processors)
    monkeypatch.setattr(stacks, 'ThreadPoolExecutor', lambda count: asked.append(count) or Pool(count))
    made = stacks.at_once(lambda part: 10 * part, range(parts), stacks.MANY + numbers)
    assert made == [10 * part for part in range(parts)] and asked == [threads] * bool(threads)


@pytest.mark.parametrize(
    ('size', 'together'), [(1, 4), (stacks.LARGEST // 4, 4), (stacks.LARGEST // 3, 3), (stacks.LARGEST + 1, 1), (0, 4)]
)
def test_a_stack_is_no_larger_than_is_near_to_the_processor(size, together):
    made = list(stacks.stacks('aaaab', [size] * 5))
    assert [len(places) for places in made[:-1]] == [together] * (4 // together) + [4 % together] * (4 % together > 0)
    assert made[-1] == [4] and [place for places in made for place in places] == list(range(5))
