"""Classes of places: a class for each byte of texts of a user's own, in rows as long as the texts."""

import numpy as np
import pytest

from sweeps.datasets.material import Options
from sweeps.datasets.sources.array_files import of_arrays_by_name

TEXTS = ['a bc', 'de', 'f gh i', 'jé'] * 20
MARKED = [[-1 if one == ' ' else n % 2 for n, one in enumerate(text.encode().decode('latin-1'))] for text in TEXTS]


def test_a_class_of_each_byte_of_texts_stands_in_rows_as_long_as_they_are():
    made = of_arrays_by_name({'x': TEXTS, 'y': MARKED}, Options(form='text', predict='map'), 'mine', [])
    for x, y, _ in made.pool:
        assert [len(one) for one in x] == [len(one) for one in y] and {one.dtype for one in y} == {np.dtype(np.int32)}
    assert (made.kind, made.target) == ('texts', 'map')


@pytest.mark.parametrize(
    ('y', 'predict', 'said'),
    [
        ([*MARKED[:-1], [0]], 'map', r'example 79 has 3 places \(bytes of a text\) and y \[1\]; give a class for each of them'),
        ([[one / 2 for one in row] for row in MARKED], 'map', 'y has other values than whole numbers'),
        (MARKED, None, 'y of rows that differ in length; allowed of texts: --predict map, a class a byte'),
    ],
)
def test_rows_that_do_not_fit_their_texts_are_refused(y: list, predict: str | None, said: str):
    with pytest.raises(ValueError, match=said):
        of_arrays_by_name({'x': TEXTS, 'y': y}, Options(form='text', predict=predict), 'mine', [])
