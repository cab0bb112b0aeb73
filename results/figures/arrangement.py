"""Arrangement: the places of a figure's parts and the size of its page. They lie on a grid, so the last bit of a sum moves
nothing."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.transforms import Bbox

GRID = 1e-3
"""Points between two places of the grid: a pixel of a page is some hundred times as wide."""
PARTS, PAGE = 1 / 3, 2 / 3
"""Shifts of the grid for parts and of the grid for page sizes, in units of the grid.

A place in a layout is a sum of halves, of 64ths of a point (fonts) and of short decimals. Files hold six decimals. On a plain
grid such sums lie half-way between two places, or between two decimals of a file, and there the last bit of a sum decides,
which is another one on another processor. Neither happens on these grids, and what stands on one, or in the middle of two of
its places, is not half-way seen from the other.
"""
FINEST = 200
"""Dots per inch at which words are measured: those of the finest bitmap that is written."""
PADDING = 0.03
"""Inches left free around the page."""


def snapped(points: object, shift: float) -> np.ndarray:
    """The nearest places of a shifted grid, in points. `[n] -> [n]`

    >>> snapped([44.1678125, 44.1678125 + 1e-13], 1 / 3).round(9).tolist()
    [44.167333333, 44.167333333]
    """
    return (np.round(np.asarray(points, float) / GRID - shift) + shift) * GRID


def lay_out(figure: Figure) -> None:
    """Give the parts of a figure their places, once for all its files, and make the figure as large as they need.

    A figure is to be complete by now: its parts stay where they are.
    """
    engine = figure.get_layout_engine()
    if not isinstance(engine, ConstrainedLayoutEngine):
        return
    dots = figure.dpi
    figure.set_dpi(FINEST)
    if figure.axes:
        engine.execute(figure)
    # Without an engine, not with an empty one: a figure that has one is drawn twice when it is saved.
    figure.set_layout_engine(None)
    renderer = figure.canvas.get_renderer()
    before = 72 * figure.get_size_inches()
    whole = 72 * figure.get_tightbbox(renderer).padded(PADDING).extents
    size = snapped(whole[2:] - whole[:2], PAGE)

    def moved(points: np.ndarray) -> np.ndarray:
        """Places (x, y) in points as shares of the page."""
        return snapped(points - whole[:2], PARTS) / size

    panels = [moved(axes.get_position().get_points() * before) for axes in figure.axes]
    legends = [moved(legend.get_window_extent(renderer).p0 * 72 / FINEST) for legend in figure.legends]
    texts = [moved(np.array(text.get_position()) * before) for text in figure.texts]
    figure.set_dpi(dots)
    figure.set_size_inches(size / 72)
    for axes, place in zip(figure.axes, panels, strict=True):
        axes.set_position(Bbox(place))
    for legend, place in zip(figure.legends, legends, strict=True):
        legend.set_loc(tuple(place))
    for text, place in zip(figure.texts, texts, strict=True):
        text.set_position(place)
