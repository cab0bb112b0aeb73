"""Labels: numbers of classes as they are stored, and which are refused."""

import numpy as np
import pytest

from sweeps.datasets.formats.labels import SPARSE, checked_label, checked_labels, dense


@pytest.mark.parametrize(
    ('ys', 'names', 'made', 'named'),
    [
        ([[3, 0], [1]], None, [[3, 0], [1]], None),
        ([[SPARSE - 1, 5], [5]], None, [[SPARSE - 1, 5], [5]], None),
        ([[SPARSE, 5], [7]], None, [[2, 0], [1]], ['5', '7', str(SPARSE)]),
        ([[5], [SPARSE, 5]], None, [[0], [1, 0]], ['5', str(SPARSE)]),
        ([[SPARSE, 5], None], None, [[1, 0], None], ['5', str(SPARSE)]),
        ([[2**40, 5], []], None, [[1, 0], []], ['5', str(2**40)]),
        ([None, None], None, [None, None], None),
        ([[SPARSE, 5]], ['a', 'b'], [[SPARSE, 5]], ['a', 'b']),
        ([np.arange(SPARSE + 1)], None, [np.arange(SPARSE + 1)], None),
    ],
    ids=['small', 'below', 'gaps', 'gaps of the other', 'no other', 'an empty one', 'none', 'names', 'no gaps'],
)  # fmt: skip
def test_large_numbers_with_gaps_become_dense(ys: list, names: list | None, made: list, named: list | None):
    got, told = dense([None if y is None else np.array(y, np.int64) for y in ys], names)
    assert told == named
    for one, wanted in zip(got, made, strict=True):
        assert (one is None) == (wanted is None)
        assert one is None or (one.dtype == np.int32 and np.array_equal(one, wanted))


def test_a_named_class_beyond_int32_is_refused():
    assert dense([np.array([2**31 - 1])], ['a'])[0][0].tolist() == [2**31 - 1]
    with pytest.raises(ValueError, match=r'class 2147483648; allowed: 0 to 2147483647; give the right labels'):
        dense([np.array([2**31])], ['a'])


def test_labels_of_a_file_are_those_of_its_classes():
    assert checked_labels(np.array([0, 4], np.uint8), 5, 'y').dtype == np.int32
    with pytest.raises(ValueError, match=r'y: label 5 of example 1 \(and 1 more outside\); allowed: 0 to 4; .* of 5 classes'):
        checked_labels(np.array([4, 5, -1]), 5, 'y')


@pytest.mark.parametrize(
    ('label', 'classes', 'said'),
    [
        (True, None, 'label True; allowed: a whole number'),
        (1.0, 3, 'label 1.0; allowed: a whole number'),
        (None, 3, 'label None; allowed: a whole number'),
        (-1, None, r'label -1; allowed: 0 to .*; unlabelled examples \(-1\) cannot be used'),
        (3, 3, 'label 3; allowed: 0 to 2'),
    ],
)
def test_a_label_is_a_whole_number_from_0(label: object, classes: int | None, said: str):
    with pytest.raises(ValueError, match=f'a row: {said}'):
        checked_label(label, classes, 'a row')


@pytest.mark.parametrize(('label', 'classes'), [(0, 1), (2, 3), (np.int16(2), 3), (2**40, None)])
def test_a_sound_label_is_an_int(label: object, classes: int | None):
    assert type(checked_label(label, classes, 'a row')) is int and checked_label(label, classes, 'a row') == label
