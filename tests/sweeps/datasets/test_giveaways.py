"""Giveaways: which single numbers of images and texts tell a class, and that noise tells none."""

import numpy as np
import pytest

from sweeps.datasets.giveaways import ERRORS, NUMBERS, giveaways

DRAW = np.random.default_rng(0)
Y = np.arange(400) // 2 % 2
"""Each class in every second example and in the others."""


def texts(made) -> list[np.ndarray]:
    return [np.frombuffer(made(one).encode(), np.uint8) for one in Y]


def word(length: int) -> str:
    return ''.join(DRAW.choice(list('abcdefgh'), length))


@pytest.mark.parametrize(
    ('made', 'named'),
    [
        (lambda one: word(20), set()),
        (lambda one: word(20 + one), {'length'}),
        (lambda one: word(10) + ' \n'[one] + word(10), {'lines'}),
        (lambda one: word(10) + ' ~'[one] + word(10), set()),
        (lambda one: word(10) + 'zZ'[one] + word(10), {'share of capitals'}),
        (lambda one: word(10) + 'z9'[one] + word(10), {'share of letters'}),
        (lambda one: word(10) + '['[one:] + '@'[1 - one :] + word(10), set()),
    ],
    ids=['noise', 'length', 'lines', 'signs', 'capitals', 'letters', 'signs beside letters'],
)
def test_numbers_of_texts(made, named: set):
    told = giveaways('texts', texts(made), Y)
    assert set(told) == named and all(share == 1.0 for share in told.values())


def test_what_lies_beyond_ascii_is_a_number():
    told = giveaways('texts', [np.array([97, 98, 127 + one], np.uint8) for one in Y], Y)
    assert set(told) == {'share beyond ASCII'}


def images(change) -> list[np.ndarray]:
    """Images of 16 x 16 in which `change` says what is added for the second class."""
    made = DRAW.integers(40, 90, (len(Y), 16, 16, 3))
    for image, one in zip(made, Y, strict=True):
        if one:
            change(image)
    return list(made.astype(np.uint8))


def brighter(image: np.ndarray) -> None:
    image += 60


def redder(image: np.ndarray) -> None:
    image[..., 0] += 60
    image[..., 2] -= 40


def blocks(image: np.ndarray) -> None:
    image[:, 8:] += 40


@pytest.mark.parametrize(('change', 'first'), [(brighter, 'brightness'), (redder, 'colour'), (blocks, 'blocks of 8 pixels')])
def test_numbers_of_images(change, first: str):
    assert giveaways('images', images(change), Y)[first] > 0.97


def test_noise_tells_nothing_and_neither_do_few_examples_or_other_kinds():
    assert giveaways('images', images(lambda image: None), Y) == {}
    assert giveaways('images', images(brighter)[:4], np.array([0, 0, 1])) == {}
    assert giveaways('series', images(brighter), Y) == {} and giveaways('tables', [], np.zeros(0, int)) == {}


def test_the_strongest_comes_first():
    told = list(giveaways('images', images(brighter), Y).values())
    assert told == sorted(told, reverse=True) and ERRORS == 3


def test_short_and_small_examples_have_every_number():
    for kind, example in (('texts', np.zeros(0, np.uint8)), ('images', np.zeros((8, 8, 1), np.uint8))):
        assert [float(number(example)) for number in NUMBERS[kind].values()] == [0.0] * 5
    nine = np.zeros((2, 9, 1), np.uint8)
    nine[:, 8] = 80
    assert NUMBERS['images']['blocks of 8 pixels'](nine) == 0.0, 'eight steps are too few'
    ten = np.zeros((2, 10, 1), np.uint8)
    ten[:, 8:] = 90
    assert NUMBERS['images']['blocks of 8 pixels'](ten) == pytest.approx(80) and NUMBERS['images']['sharpness'](ten) == 10


def test_all_numbers_that_tell_a_class_in_their_order():
    draw = np.random.default_rng(1)
    y = draw.integers(0, 3, 330)
    made = [draw.integers(0, 200 + 18 * one, (12, 20, 3)).astype(np.uint8) for one in y]
    for image, one in zip(made, y, strict=True):
        if one == 1:
            image[:, 8:] //= 2
    told = giveaways('images', made, y)
    wanted = {'colour': 0.915, 'sharpness': 0.879, 'brightness': 0.788, 'contrast': 0.715, 'blocks of 8 pixels': 0.552}
    assert list(told) == list(wanted) and told == pytest.approx(wanted, abs=0.01)
