"""A name stands beside its mark where it covers nothing and lies inside the panel, to the right if it can."""

import pytest
from matplotlib.figure import Figure

from results.abstraction.mark_names import named

WIDE, HIGH = 2.0, 1.5
"""A panel of so many inches, its units are inches."""
THROUGH = ((0.0, 0.75), (WIDE, 0.75))
ABOVE, BELOW = ((0.95, 0.85), (1.05, 0.85)), ((0.95, 0.65), (1.05, 0.65))
RIGHT, LEFT = ((1.1, 0.75), (1.4, 0.75)), ((0.6, 0.75), (0.9, 0.75))
MIDDLE = 1.0, 0.75


def sides(marks: list, lines: list = ()) -> list[tuple[str, str]]:
    """On which sides of their marks names stand."""
    figure = Figure(figsize=(2 * WIDE, 2 * HIGH))
    axes = figure.add_axes((0.25, 0.25, 0.5, 0.5), xlim=(0, WIDE), ylim=(0, HIGH))
    named(axes, [('name', mark) for mark in marks], lines)
    assert [text.xy for text in axes.texts] == marks
    across, along = {'left': 'right', 'right': 'left', 'center': ''}, {'bottom': 'above', 'top': 'below', 'center': ''}
    return [(along[text.get_va()], across[text.get_ha()]) for text in axes.texts]


@pytest.mark.parametrize(
    ('mark', 'lines', 'side'),
    [
        (MIDDLE, [], ('', 'right')),
        (MIDDLE, [RIGHT], ('', 'left')),
        (MIDDLE, [THROUGH], ('above', '')),
        (MIDDLE, [THROUGH, ABOVE], ('below', '')),
        (MIDDLE, [THROUGH, ABOVE, BELOW], ('above', 'right')),
        (MIDDLE, [THROUGH, ABOVE, BELOW, ((1.1, 0.88), (1.3, 0.88))], ('above', 'left')),
        (MIDDLE, [THROUGH, BELOW, ((0.5, 0.88), (1.5, 0.88))], ('below', 'right')),
        (MIDDLE, [THROUGH, ((0.5, 0.88), (1.5, 0.88)), ((0.95, 0.63), (1.5, 0.63))], ('below', 'left')),
        (MIDDLE, [((1.3, 0.7), (1.3, 0.8))], ('', 'left')),
        (MIDDLE, [((1.4, 0.0), (1.4, HIGH))], ('', 'right')),
        ((1.95, 0.75), [], ('', 'left')),
        ((0.05, 0.75), [((0.15, 0.75), (0.4, 0.75))], ('above', 'right')),
        ((1.95, 0.75), [((1.6, 0.75), (1.85, 0.75))], ('above', 'left')),
        ((1.0, 1.47), [((0.0, 1.47), (WIDE, 1.47))], ('below', '')),
        ((1.0, 0.03), [((0.0, 0.03), (WIDE, 0.03)), ((0.0, 0.13), (WIDE, 0.13))], ('above', '')),
    ],
)
def test_a_name_stands_at_the_first_side_that_is_free_and_inside(mark: tuple, lines: list, side: tuple):
    assert sides([mark], lines) == [side]


def test_names_leave_other_marks_and_earlier_names_free():
    assert sides([MIDDLE, (1.2, 0.75)]) == [('', 'left'), ('', 'right')]
    assert sides([MIDDLE, (1.0, 0.78)]) == [('', 'right'), ('', 'left')]
    assert sides([MIDDLE, (1.0, 1.2)]) == [('', 'right'), ('', 'right')]


def test_a_name_is_written_outside_of_its_mark():
    figure = Figure(figsize=(2 * WIDE, 2 * HIGH), dpi=100)
    axes = figure.add_axes((0.25, 0.25, 0.5, 0.5), xlim=(0, WIDE), ylim=(0, HIGH))
    named(axes, [('right', (0.4, 0.75)), ('left', (1.6, 0.75))], [((1.7, 0.75), (1.8, 0.75))])
    figure.draw_without_rendering()
    right, left = (text.get_window_extent() for text in axes.texts)
    ends = [axes.transData.transform(spot)[0] for spot in ((0.4, 0.75), (1.6, 0.75))]
    assert 4 < right.x0 - ends[0] < 12 and 4 < ends[1] - left.x1 < 12
