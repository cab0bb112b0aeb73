"""Plane: each kind of data as a point, bits over the best coder made for it against the bytes that a model trains on."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from results.abstraction.mark_names import named
from results.abstraction.place import Place, best_of_each
from results.figures.panels import cost_ticks, draw_line, legend, legend_height, metric_ticks
from results.figures.style import BAND, COLOURS, MARKERS, blank, house, rounded
from results.tables.words import count

SIZE = 7.2, 4.2
"""Inches, without the legend."""
OTHER = '#b8b8b8'
"""The colour of what other studies reached on the same data."""


def plane_figure(places: Sequence[Place]) -> Figure:
    """Bits per raw byte over the best coder made for the data, with 95% intervals over replicates, against the raw bytes that
    a replicate trains on.

    A full mark is the arm that its tuning expects most of, of all studies on the same data; grey marks are those of the other
    studies, and a bar below is the floor, where it is known. Raises ValueError without a place.
    """
    if not places:
        raise ValueError('no places; allowed: one or more; give a study with a task in bits whose coder is known')
    best = best_of_each(list(places))
    domains = list(dict.fromkeys(one.domain for one in places))
    styles = {domain: (COLOURS[(1 + i) % len(COLOURS)], MARKERS[i % len(MARKERS)]) for i, domain in enumerate(domains)}
    handles = [Line2D([], [], color=c, marker=m, ls='', markersize=5, label=domain) for domain, (c, m) in styles.items()]
    handles += [
        Line2D([], [], color=OTHER, marker='o', ls='', markersize=3.5, label='another study on the same data'),
        Line2D([], [], color='black', marker='_', ls=':', linewidth=0.8, markersize=9, label='nobody goes below'),
    ]
    with house():
        figure = blank(SIZE[0], SIZE[1] + legend_height([handle.get_label() for handle in handles], SIZE[0]))
        axes = figure.subplots()
        _limits(axes, places)
        draw_line(axes, axes.get_xlim(), [0, 0], color='black', linewidth=0.8, zorder=1)
        axes.axhspan(axes.get_ylim()[0], 0, color=BAND, linewidth=0, zorder=0)
        for one in places:
            if one not in best:
                draw_line(axes, *([part] for part in _at(one)), marker='o', ls='', color=OTHER, markersize=3.5, zorder=2)
        for one in best:
            _mark(axes, one, *styles[one.domain])
        axes.set_xlabel('raw bytes that a replicate trains on (logarithmic)')
        axes.set_ylabel('bits per raw byte over the best coder made for the data\n(below 0 the model needs fewer)')
        named(axes, [(one.task, _at(one)) for one in best], [*_lines(places), *(((end, 0.0) for end in axes.get_xlim()),)])
        legend(figure, handles)
    return figure


def _at(one: Place) -> tuple[float, float]:
    return float(one.coded.train_bytes), float(rounded([one.over])[0])


def _lines(places: Sequence[Place]) -> list[tuple]:
    """What is drawn of each place from its lowest to its highest end."""
    heights = [(one, [one.over, *(one.over_interval or ()), *filter(None, [one.floor_over])]) for one in places]
    return [tuple((float(one.coded.train_bytes), end) for end in (min(own), max(own))) for one, own in heights]


def _mark(axes: Axes, one: Place, colour: str, marker: str) -> None:
    x, y = ([part] for part in _at(one))
    if one.over_interval is not None:
        draw_line(axes, x * 2, rounded(one.over_interval), color=colour, linewidth=1.0, zorder=3)
    if one.floor_over is not None:
        floor = rounded([one.floor_over])
        draw_line(axes, x * 2, [*y, *floor], color=colour, linewidth=0.8, linestyle=':', zorder=2)
        draw_line(axes, x, floor, marker='_', color=colour, markersize=9, markeredgewidth=1.2, ls='', zorder=5)
    draw_line(
        axes, x, y, marker=marker, ls='', color=colour, markersize=5, markeredgecolor='white', markeredgewidth=0.4, zorder=4
    )


def _limits(axes: Axes, places: Sequence[Place]) -> None:
    heights = [0.0, *(height for line in _lines(places) for _, height in line)]
    low, high = min(heights), max(heights)
    room = 0.06 * (high - low) or 0.1
    axes.set_ylim(*rounded([low - room, high + room]))
    cost_ticks(axes, [float(one.coded.train_bytes) for one in places], count)
    metric_ticks(axes)
