"""Charts: the numbers of a benchmark in the style of the lab's figures."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from results.figures.panels import plain_number
from results.figures.style import COLOURS, blank, house


def bars(
    panels: Mapping[str, Mapping[str, Mapping[str, float]]], label: str, columns: int = 3, logarithmic: bool = False
) -> Figure:
    """A panel for each name, in it a bar for each row, or a point: its median, and a line from the least to the greatest.

    All panels share the order and the colours of their rows; each has a scale of its own.
    """
    rows = list(dict.fromkeys(name for panel in panels.values() for name in panel))
    across = min(columns, len(panels))
    down = -(-len(panels) // across)
    with house():
        figure = blank(2.5 * across + 0.6, (0.24 * len(rows) + 0.75) * down)
        axes = figure.subplots(down, across, squeeze=False).ravel()
        for place, (title, panel) in zip(axes, panels.items(), strict=False):
            place.set_title(title, loc='left')
            _panel(place, panel, rows, logarithmic)
        for place in axes[len(panels) :]:
            place.set_visible(False)
        for place in axes[max(0, len(panels) - across) : len(panels)]:
            place.set_xlabel(label)
    return figure


def _panel(place: object, panel: Mapping[str, Mapping[str, float]], rows: Sequence[str], logarithmic: bool) -> None:
    names = [name for name in rows if name in panel]
    for number, name in enumerate(names):
        median, least, greatest = (panel[name][part] for part in ('median', 'least', 'greatest'))
        colour = COLOURS[1 + rows.index(name) % (len(COLOURS) - 1)]
        if logarithmic:  # where there is no 0 a bar would have no length
            place.plot(median, number, 'o', color=colour)
        else:
            place.barh(number, median, color=colour, height=0.6)
        place.plot([least, greatest], [number, number], color='black', linewidth=0.8)
    place.set_yticks(range(len(names)), names)
    place.invert_yaxis()
    place.grid(axis='y', visible=False)
    if logarithmic:
        place.set_xscale('log')
        place.xaxis.set_major_formatter(plain_number)
        place.xaxis.set_minor_formatter(NullFormatter())
    else:
        place.set_xlim(left=0)
