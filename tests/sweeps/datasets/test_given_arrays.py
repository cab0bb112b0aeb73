"""Arrays by their names, of a file or a function: what their shapes mean, and what cannot be."""

from pathlib import Path

import numpy as np
import pytest

from sweeps.datasets.material import Material, Options
from sweeps.datasets.sources.array_files import of_arrays_by_name, of_function

X = np.random.default_rng(0).normal(size=(12, 3))
Y = np.arange(12) % 2


def read(given: dict, **options: object) -> Material:
    return of_arrays_by_name(given, Options(**{'form': 'table', **options}), 'mine', [])


@pytest.mark.parametrize(
    ('given', 'options', 'said'),
    [
        ({'a': X}, {}, "array 'a'; allowed: x"),
        ({'y': Y}, {}, r"arrays \['y'\] without x; allowed: x"),
        ({'x': X[:0], 'y': Y[:0]}, {}, 'x has no examples; give one or more'),
        ({'x': [], 'y': []}, {}, 'x has no examples'),
        ({'x': X[:, :0], 'y': Y}, {}, r'x \[12, 0\]: examples without a value'),
        ({'x': X[:, 0], 'y': Y}, {}, r'x is float64 \[12\]; allowed: uint8 \[n, H, W\]'),
        ({'x': X.astype(complex), 'y': Y}, {}, r'x is complex128 \[12, 3\]; allowed'),
        ({'x': X, 'y': Y[:11]}, {}, '12 examples and 11 of y; give one for each example'),
        ({'x': X, 'y': Y, 'group': Y[:3]}, {}, '12 examples and 3 of group'),
        ({'x': X, 'y': Y, 'x_test': X}, {}, 'x_test without y_test; give both'),
        ({'x': X, 'x_test': X.astype(np.float32)[:, None]}, {'form': None}, 'x is float64'),
        ({'x': X * np.nan, 'y': Y}, {}, 'x has numbers that are missing or infinite; fill them in'),
        ({'x': X * 1e300, 'y': Y}, {}, 'x has numbers beyond float32'),
        ({'x': X, 'y': Y}, {'form': None}, r'x is float64 \[12, 3\]: whether a row is features or a series can not be known'),
        ({'x': X, 'y': Y}, {'split': 'names'}, '--split names, and there is neither x_test nor is_test; leave it out'),
        ({'x': X, 'y': Y, 'is_test': Y > 1}, {}, r'is_test bool \[12\]; allowed: true and false for 12 examples'),
        ({'x': X, 'y': Y, 'is_test': Y < 2}, {}, r'is_test bool \[12\]'),
        ({'x': X, 'y': [[0]] * 6 + [[0, 1]] * 6}, {}, 'y of rows that differ in length; allowed of texts: --predict map'),
        ({'x': X, 'y': np.zeros((12, 2, 2))}, {}, r'y float64 \[12, 2, 2\]; allowed: \[n\], \[n, T\], or a class'),
        ({'x': X, 'y': np.where(Y, np.nan, X[:, 0])}, {}, '6 examples have no target; leave them out'),
        ({'x': X, 'y': Y * 900 + 7}, {}, 'y has 2 different whole numbers from 7 to 907: whether they are classes or numbers'),
        ({'x': ['CO', 'a word'], 'y': [0, 1]}, {'form': 'smiles'}, "'a word' is no SMILES; give --form text"),
        ({'x': ['ab', 'c'], 'y': [[0, 1], [0, 1]]}, {'form': 'text', 'predict': 'map'}, r'example 1 has 1 places .* y \[2\]'),
        ({'x': ['ab', 'c'], 'y': [[0, 1], [0.5]]}, {'form': 'text', 'predict': 'map'}, 'y has other values than whole numbers'),
        ({'x': np.zeros((9, 3, 8, 8), np.float32), 'y': Y[:9]}, {}, r'x is .* channels first; .*x\.transpose\(0, 2, 3, 1\)'),
    ],
)  # fmt: skip
def test_arrays_that_do_not_fit_are_refused(given: dict, options: dict, said: str):
    with pytest.raises(ValueError, match=f'mine: {said}'):
        read(given, **options)


@pytest.mark.parametrize(
    ('x', 'form', 'kind'),
    [
        (np.zeros((12, 4, 4), np.uint8), None, 'images'),
        (np.zeros((12, 4, 4, 1), np.uint8), None, 'images'),
        (np.zeros((12, 4, 4, 2), np.uint8), None, 'maps'),
        (np.zeros((12, 3, 8, 7)), None, 'maps'),
        (np.zeros((12, 3, 4, 4)), None, 'maps'),
        (np.zeros((12, 4, 2)), None, 'series'),
        (X, 'series', 'series'),
        (X, 'table', 'tables'),
        (np.arange(36).reshape(12, 3).astype(np.uint8), 'table', 'tables'),
        ([f'word {n}' for n in range(12)], 'text', 'texts'),
        (tuple('C' * n for n in range(1, 13)), 'smiles', 'molecules'),
    ],
)
def test_what_arrays_are_by_their_type_and_shape(x: object, form: str | None, kind: str):
    assert read({'x': x, 'y': Y}, form=form).kind == kind


def test_arrays_without_a_target_or_with_tokens_to_predict_have_none():
    for given, options in (({'x': X}, {}), ({'x': X, 'y': Y}, {'predict': 'tokens'})):
        made = read(given, **options)
        assert (made.target, made.targets, made.classes) == ('class', None, None)
        assert all(ys is None for _, ys, _ in made.pool)


@pytest.mark.parametrize(
    ('given', 'classes', 'targets'),
    [
        ({'y': Y}, None, None),
        ({'y': Y, 'classes': ['no', 'yes']}, ['no', 'yes'], None),
        ({'y': Y, 'targets': ['no', 'yes']}, ['no', 'yes'], None),
        ({'y': X[:, :2], 'targets': np.array(['mass', 'heat'])}, None, ['mass', 'heat']),
        ({'y': X[:, :2]}, None, ['0', '1']),
        ({'y': X[:, 0]}, None, ['0']),
        ({'Y': Y, 'x_test': X[:3] + 9, 'test_y': Y[:3]}, None, None),
    ],
)
def test_names_of_classes_and_of_targets(given: dict, classes: list | None, targets: list | None):
    made = read({'x': X, **given})
    assert (made.classes, made.targets) == (classes, targets)


def test_examples_of_a_group_stand_on_one_side_and_what_is_known_of_the_test_split_is_left_out():
    test = {'x_test': X[:2] + 9, 'y_test': Y[:2], 'group_test': np.array([7, 8])}
    made = read({'x': X, 'y': Y, 'group': np.arange(12) // 6, **test})
    assert made.counts == {'pool': 12, 'test': 2} and made.grouped == 'by the array group' and made.split == 'as the arrays say'
    ((_, ys, own),) = made.pool
    assert len(set(own)) == 2 and ys.tolist() == Y.tolist()
    known = read({'x': X, 'y': Y, 'group': np.arange(12) + 20, **test, 'x_test': X[:2]})
    assert known.counts['pool'] == 10 and '2 examples of the pool are identical to a test example' in known.notes[0]


def test_a_function_gives_a_dictionary_of_arrays():
    def mine() -> dict:
        return {'x': X, 'y': Y}

    assert of_function(Path('my.py'), Options(form='table'), mine).files == [Path('my.py')]

    def broken() -> dict:
        return {'x': X[99]}

    with pytest.raises(ValueError, match=r'my\.py: broken: .*IndexError.*; mend the function'):
        of_function(Path('my.py'), Options(), broken)
    with pytest.raises(ValueError, match=r'my\.py: <lambda> gives a list; allowed: a dictionary of x \(inputs\)'):
        of_function(Path('my.py'), Options(), lambda: [X, Y])


@pytest.mark.parametrize(
    ('shape', 'predict', 'target'),
    [((12, 4), None, 'map'), ((12, 4), 'labels', 'labels'), ((12, 3), None, 'labels'), ((12, 4), 'map', 'map')],
)
def test_whole_numbers_as_many_as_steps_are_classes_of_them(shape: tuple, predict: str | None, target: str):
    made = read({'x': np.zeros((12, 4, 2)), 'y': np.arange(np.prod(shape)).reshape(shape) % 2}, form=None, predict=predict)
    assert made.target == target
    said = 'y is taken for a class of each step'
    assert any(note.startswith(said) for note in made.notes) == (target == 'map' and predict is None)


@pytest.mark.parametrize('predict', ['values', 'labels', 'class'])
def test_whole_numbers_are_what_they_are_said_to_be(predict: str):
    made = read({'x': X, 'y': Y}, predict=predict)
    ((_, ys, _),) = made.pool
    assert made.target == predict and ys.ndim == (1 if predict == 'class' else 2) and set(ys.ravel().tolist()) == {0, 1}
