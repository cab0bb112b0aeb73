"""Made sets: what a task reads of one is what its pool holds, and nothing of its test split."""

import dataclasses

import numpy as np
import pytest

from sweeps.tasks.made import MADE
from sweeps.tasks.made.made_set import of_windows, windows

SETS = [
    ('friedman', 'tables', 'values', None, [10], 10),
    ('adding', 'series', 'values', None, [32, 2], 2),
    ('shapes', 'images', 'map', 5, [16, 16, 1], 1),
    ('shape_labels', 'images', 'labels', None, [16, 16, 1], 1),
    ('collections', 'images', None, 4, [16, 16, 3], 3),
    ('packages', 'texts', None, 6, None, 0),
    ('writers', 'texts', None, 8, None, 0),
]


@pytest.mark.parametrize(('name', 'kind', 'target', 'classes', 'shape', 'channels'), SETS)
def test_facts_of_a_set_are_those_of_its_pool(name, kind, target, classes, shape, channels):
    # A set of its own, because facts are worked out once.
    one = dataclasses.replace(MADE[name])
    about, pool = one.about, one.pool()
    assert (about['name'], about['kind'], about.get('target'), about['shape']) == (name, kind, target, shape)
    assert (about['classes'] and len(about['classes'])) == classes and about['sizes'] == one.sizes
    assert len(pool) == one.sizes['pool'] and len(one.test()) == one.sizes['test'] and one.pool() is pool
    assert set(about['balance']) == {'pool'} and len(about.get('mean', ())) == len(about.get('std', ())) == channels
    if channels:
        x = pool.x.reshape(-1, channels).astype(float) / (255 if kind == 'images' else 1)
        np.testing.assert_allclose(about['mean'], x.mean(0), rtol=1e-3)
        np.testing.assert_allclose(about['std'], x.std(0), rtol=1e-3)
    assert about.get('targets') == (None if classes else list(one.names))


def test_a_text_is_cut_into_whole_windows():
    text = np.arange(7)
    assert windows(text, 3).tolist() == [[0, 1, 2], [3, 4, 5]] and windows(text[:2], 3).shape == (0, 3)


def test_windows_that_read_the_same_are_of_one_group_and_each_is_an_example():
    rows = [np.array([[1, 2], [3, 4]], np.uint8), np.array([[3, 4], [5, 6]], np.uint8)]
    part = of_windows(rows, [np.zeros(2, np.int32), np.ones(2, np.int32)], [np.array([0, 1]), np.array([2, 3])])
    assert [part.example(number).tolist() for number in range(len(part))] == [[1, 2], [3, 4], [3, 4], [5, 6]]
    assert part.y.tolist() == [0, 0, 1, 1] and part.group[1] == part.group[2] and len(set(part.group.tolist())) == 3
