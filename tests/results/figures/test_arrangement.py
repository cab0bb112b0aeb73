"""Arrangement: places on a grid, and a page that holds everything."""

import io

import numpy as np
import pytest
from matplotlib.image import imread

from results.figures.arrangement import GRID, PAGE, PARTS, lay_out, snapped
from results.figures.style import blank, house, rendered

STRUCTURED = [7.5 / 128, 44.1678125, 0.1 + 0.2, 259.2 - 37 / 128, 3.75 + 1 / 64, 0.0]
"""Places as layouts have them: sums of 128ths and of short decimals."""


@pytest.mark.parametrize('shift', [PARTS, PAGE])
@pytest.mark.parametrize('place', STRUCTURED)
def test_a_place_is_not_moved_by_last_bits(place: float, shift: float):
    beside = [place, *(place + 1e-12 * np.arange(-3, 4))]
    assert len({f'{one:.9f}' for one in snapped(beside, shift)}) == 1
    assert abs(snapped(place, shift) - place) <= GRID / 2 + 1e-12


@pytest.mark.parametrize('half', [1.0, 0.5])
@pytest.mark.parametrize('place', STRUCTURED)
def test_six_decimals_of_a_place_are_not_decided_by_last_bits(place: float, half: float):
    """Of a place, of the middle of a page, and of words of any width around it."""
    for shift in (PARTS, PAGE):
        for width in range(0, 128, 5):
            exact = float(snapped(place, shift)) * half - width / 128
            assert f'{exact + 1e-12:.6f}' == f'{exact - 1e-12:.6f}'


def test_the_page_holds_every_word_and_no_more():
    with house():
        figure = blank(2, 1)
        axes = figure.subplots()
        axes.set_ylabel('words that are higher than their panel is, on a small page')
        lay_out(figure)
    width, height = figure.get_size_inches()
    assert width < 2 and height > 1.5
    ink = imread(io.BytesIO(rendered(figure, 'png')))[..., :3].min(-1) < 0.5
    assert ink.shape == (int(200 * height), int(200 * width))
    assert not ink[[0, 1, 2, -1, -2, -3]].any() and not ink[:, [0, 1, 2, -1, -2, -3]].any()
    rows, columns = ink.any(1), ink.any(0)
    assert rows[:10].any() and rows[-10:].any() and columns[:10].any() and columns[-10:].any()


def test_a_figure_is_laid_out_once():
    with house():
        figure = blank(2, 1)
        figure.subplots()
        dots = figure.dpi
        lay_out(figure)
        assert figure.dpi == dots and figure.get_layout_engine() is None
        places = figure.axes[0].get_position().extents
        lay_out(figure)
    assert (figure.axes[0].get_position().extents == places).all()


def test_words_of_a_page_stay_as_far_from_each_other():
    with house():
        figure = blank(2, 1)
        figure.subplots()
        words = [figure.text(0.25, 0.75, 'here'), figure.text(0.75, 0.25, 'there')]
        away = []
        for change in (lambda: None, lambda: lay_out(figure)):
            change()
            one, other = (72 * figure.get_size_inches() * word.get_position() for word in words)
            away.append(other - one)
    np.testing.assert_allclose(away[0], [72, -36])
    np.testing.assert_allclose(away[1], away[0], atol=2 * GRID)
