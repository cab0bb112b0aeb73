"""Stacks: every thing has its own result, whatever is worked out at once."""

import threading

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
