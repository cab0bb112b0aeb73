"""Levelling: images of several sets in one form, and growing: files that are written row by row."""

from pathlib import Path

import numpy as np
import pytest

from sweeps.datasets.growing import Growing
from sweeps.datasets.levelling import Levelling

IMAGE = np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8)


@pytest.mark.parametrize('quality', [-1, 96, 100])
def test_a_quality_that_is_none_is_refused(quality: int):
    with pytest.raises(ValueError, match=f'--jpeg {quality}; allowed: 1 to 95, or leave it out'):
        Levelling(8, 3, quality)


def test_an_image_of_the_form_stays_as_it_is():
    image = IMAGE[:, :8]
    assert Levelling(8, 3)(image) is image
    stored = Levelling(8, 3, 50)(image)
    assert stored.shape == image.shape and np.abs(stored.astype(int) - image).mean() > 0


def test_the_middle_of_the_longer_side_stays():
    assert np.array_equal(Levelling(8, 3)(IMAGE), IMAGE[:, 2:10])
    assert np.array_equal(Levelling(8, 3)(IMAGE.transpose(1, 0, 2)), IMAGE.transpose(1, 0, 2)[2:10])
    assert Levelling(4, 3)(IMAGE).shape == (4, 4, 3)


def test_grey_and_colour_become_each_other():
    grey = IMAGE[:, :8, :1]
    assert np.array_equal(Levelling(8, 3)(grey), np.repeat(grey, 3, 2)) and Levelling(8, 1)(grey) is grey
    assert Levelling(8, 1)(IMAGE[:, :8]).shape == (8, 8, 1) and Levelling(8, 1, 90)(grey).shape == (8, 8, 1)


@pytest.mark.parametrize(
    ('level', 'said'),
    [
        (Levelling(8, 1), '8 x 8 pixels of 1 channel'),
        (Levelling(8, 3), '8 x 8 pixels of 3 channels'),
        (Levelling(8, 3, 75), '8 x 8 pixels of 3 channels, written as JPEG of quality 75 and read again'),
    ],
)
def test_the_form_in_words(level: Levelling, said: str):
    assert str(level) == said


def test_a_file_that_grows_is_whole_when_it_is_closed(tmp_path: Path):
    file = Growing(tmp_path / 'x.npy', np.float32, (2,))
    rows = np.arange(10, dtype=np.float32).reshape(5, 2)
    file.append(rows[:2])
    file.append(rows[2:][:, ::-1])
    file.close()
    assert np.load(tmp_path / 'x.npy').tolist() == [[0, 1], [2, 3], [5, 4], [7, 6], [9, 8]]
    empty = Growing(tmp_path / 'y.npy', np.int64)
    empty.close()
    assert np.load(tmp_path / 'y.npy').shape == (0,) and np.load(tmp_path / 'y.npy').dtype == np.int64


@pytest.mark.parametrize(
    ('rows', 'said'),
    [
        (np.zeros((2, 3), np.float64), r'rows of float64 \[3\] for a file of float32 \[3\]'),
        (np.zeros((2, 4), np.float32), r'rows of float32 \[4\] for a file of float32 \[3\]'),
        (np.zeros(3, np.float32), r'rows of float32 \[\] for a file of float32 \[3\]'),
    ],
)
def test_rows_of_another_type_or_shape_are_refused(tmp_path: Path, rows: np.ndarray, said: str):
    file = Growing(tmp_path / 'x.npy', np.float32, (3,))
    with pytest.raises(ValueError, match=f'{said}; give all examples one type and shape'):
        file.append(rows)
    file.abandon()
    file.abandon()
