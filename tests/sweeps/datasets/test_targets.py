"""Targets of prepared sets: values and labels with missing ones, maps, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from sweeps.datasets.prepared import Part, find, write
from sweeps.datasets.show import lines, show
from sweeps.datasets.targets import balance, contradictions, facts, form_of
from sweeps.datasets.writing import Writing, example_hash

NAN = np.nan


def rows(y: list, seed: int = 0) -> Part:
    x = np.random.default_rng(seed).normal(size=(len(y), 3)).astype(np.float32)
    return Part(x, np.array(y, np.float32), np.arange(len(y)))


def test_values_come_back_with_what_is_missing_counted(tmp_path: Path):
    pool, test = rows([[1, 2e6], [3, NAN], [NAN, 2e6 + 4]]), rows([[5, 6]], 1)
    about = {'kind': 'tables', 'target': 'values', 'targets': ['size', 'weight']}
    made = write(tmp_path / 'prepared' / 'little', about, pool, test)
    assert made.about['target'] == 'values' and made.about['classes'] is None and made.about['balance']['pool'] is None
    assert made.about['known'] == {'pool': [2, 2], 'test': [1, 1]}
    assert made.about['target_mean'] == [2.0, 2e6 + 2] and made.about['target_std'] == [1.0, 2.0]
    assert np.allclose(made.about['mean'], pool.x.mean(0)) and np.allclose(made.about['std'], pool.x.std(0))
    got = find('little', tmp_path).pool().y
    assert got.dtype == np.float32 and np.array_equal(got, pool.y, equal_nan=True)
    text = '\n'.join(lines(show(made)))
    assert '2 values; 2 of 6 are missing in the pool' in text and 'weight (mean 2e+06, deviation 2)' in text


def test_labels_count_the_positive_ones(tmp_path: Path):
    made = write(tmp_path / 'set', {'kind': 'tables', 'target': 'labels'}, rows([[1, 0], [NAN, 1]]), rows([[0, NAN]], 1))
    assert made.about['targets'] == ['0', '1'] and made.about['known'] == {'pool': [1, 2], 'test': [1, 0]}
    assert made.about['positive'] == {'pool': [1, 1], 'test': [0, 0]}


def test_maps_are_as_large_as_their_examples(tmp_path: Path):
    x, y = np.zeros((2, 4, 4, 1), np.uint8), np.full((2, 4, 4), -1, np.int32)
    y[0, 0] = 2
    made = write(tmp_path / 'set', {'kind': 'images', 'target': 'map'}, Part(x, y, np.arange(2)), Part(x, y, np.arange(2)))
    assert made.about['balance']['pool'] == [0, 0, 4] and made.about['classes'] == ['0', '1', '2']
    words = Part(np.arange(5, dtype=np.uint8), np.array([0, 1, -1, 1, 0], np.int32), np.arange(2), np.array([0, 2, 5]))
    made = write(tmp_path / 'words', {'kind': 'texts', 'target': 'map'}, words, words)
    assert made.pool().places(1).tolist() == [-1, 1, 0] and made.about['balance']['pool'] == [2, 2]


def test_a_set_of_classes_says_nothing_new(tmp_path: Path):
    part = Part(np.zeros((2, 4), np.float32), np.array([0, 1], np.int32), np.arange(2))
    made = write(tmp_path / 'set', {'kind': 'series'}, part, part)
    assert not {'target', 'targets', 'known', 'positive', 'mean', 'std'} & set(made.about)


@pytest.mark.parametrize('target', ['values', 'map'])
def test_targets_are_written_block_by_block(tmp_path: Path, target: str):
    writing = Writing(tmp_path / 'pool', target == 'map', target)
    xs = [np.arange(2, dtype=np.uint8), np.arange(3, dtype=np.uint8)]
    ys = np.array([[1, NAN], [2, 3]]) if target == 'values' else [np.array([0, 1]), np.array([1, -1, 0])]
    writing.add([np.zeros(2, np.float32)] * 2 if target == 'values' else xs, ys, [example_hash(x) for x in xs])
    assert writing.classes is None
    writing.close(None)
    y = np.load(tmp_path / 'pool' / 'y.npy')
    assert np.array_equal(y, ys if target == 'values' else [0, 1, 1, -1, 0], equal_nan=target == 'values')
    if target == 'map':
        bad = Writing(tmp_path / 'bad', True, 'map')
        with pytest.raises(ValueError, match=r'a map of \[2\] for an example of \[3\]'):
            bad.add(xs, [np.array([0, 1]), np.array([1, 0])], [b'1', b'2'])
        bad.abandon()


REFUSED = [
    ({'target': 'values'}, [[1, np.inf]], 'a target of pool is infinite'),
    ({'target': 'labels'}, [[0.5, 1]], 'a label of pool is 0.5; allowed: 0, 1 or NaN'),
    ({'target': 'values', 'targets': ['size']}, [[1, 2]], r"1 names \['size'\] for 2 targets"),
    ({'target': 'numbers'}, [[1, 2]], r"target 'numbers' for y of float32 \[1, 2\]; allowed: \['class'"),
    ({}, [[1, 2]], 'no target for y of float32'),
    ({'target': 'map'}, [[1, 2]], "target 'map' with y of float32"),
    ({'target': 'class'}, [[1, 2]], "target 'class' with y of float32"),
]


@pytest.mark.parametrize(('about', 'y', 'message'), REFUSED)
def test_wrong_targets_are_refused(tmp_path: Path, about: dict, y: list, message: str):
    with pytest.raises(ValueError, match=message):
        write(tmp_path / 'set', {'kind': 'tables', **about}, rows(y), rows(y))
    assert not (tmp_path / 'set').exists()


def test_a_class_is_one_number_of_an_example():
    for y in (np.array([[0, 1]], np.int32), np.array([0.0, 1.0], np.float32)):
        with pytest.raises(ValueError, match=r"target 'class' with y of .*allowed: int32 \[n\]; convert y"):
            form_of({'target': 'class'}, y)
    assert form_of({'target': 'class'}, np.array([0, 1], np.int32)) == 'class'


def test_missing_features_are_refused(tmp_path: Path):
    part = rows([[1, 2]])
    part.x[0, 1] = NAN
    with pytest.raises(ValueError, match='pool: number 1 of an example is missing'):
        write(tmp_path / 'set', {'kind': 'tables', 'target': 'values'}, part, rows([[1, 2]]))
    with pytest.raises(ValueError, match='and no y'):
        form_of({'target': 'labels'}, None)


@pytest.mark.parametrize(
    ('form', 'y', 'counts'),
    [
        ('class', [0, 2, 2], [1, 0, 2]),
        ('map', [[0, -1], [3, 3]], [1, 0, 0, 2]),
        ('map', [[-1, -1]], []),
        ('values', [[0.5]], None),
        ('labels', [[1.0]], None),
        (None, None, None),
    ],
)
def test_examples_and_places_of_each_class_are_counted(form: str | None, y: list | None, counts: list | None):
    assert balance(form, None if y is None else np.array(y)) == counts


def test_a_long_map_is_counted_block_by_block(monkeypatch: pytest.MonkeyPatch):
    y = np.random.default_rng(0).integers(-1, 6, 100)
    monkeypatch.setattr('sweeps.datasets.targets.ROWS', 7)
    assert balance('map', y) == np.bincount(y[y >= 0]).tolist()
    assert balance('map', np.arange(9)[::-1]) == [1] * 9, 'the first block has the larger classes'
    with pytest.raises(ValueError, match=r'a map has the class -2; allowed: -1 \(none\) and up'):
        balance('map', np.array([0, 1, -2]))


def test_equal_examples_of_two_classes_are_counted():
    assert contradictions(np.array([0, 0, 0, 1, 1, 2]), np.array([0, 1, 1, 5, 5, 0])) == 3
    assert contradictions(np.array([0, 1, 2]), np.array([0, 0, 1])) == 0


def test_targets_without_a_known_value_have_moments_of_nothing():
    parts = {'pool': rows([[NAN, 1], [NAN, 3]]), 'test': rows([[NAN, NAN]])}
    told = facts('values', parts, ['a', 'b'])
    assert told['known'] == {'pool': [0, 2], 'test': [0, 0]} and told['target_mean'] == [0.0, 2.0]
    assert told['target_std'] == [0.0, 1.0] and facts('class', parts, None) == facts(None, parts, None) == {}
    with pytest.raises(ValueError, match=r"2 names \['a', 'a'\] for 2 targets; give every target one name of its own"):
        facts('values', parts, ['a', 'a'])
    with pytest.raises(ValueError, match='a label of test is 2; allowed: 0, 1 or NaN'):
        facts('labels', {'pool': rows([[1, 0]]), 'test': rows([[0, 2]])}, None)
    with pytest.raises(ValueError, match='a target of test is infinite'):
        facts('values', {'pool': rows([[1, 0]]), 'test': rows([[0, -np.inf]])}, None)
