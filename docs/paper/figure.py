"""Figure of the paper: what one recipe for all would have claimed, beside what each arm's own recipe shows."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from results.figures.panels import plain_number
from results.figures.style import blank, house

FULL, HOLLOW = '#b3261e', '#555555'
TICKS = (0, 1, 3, 10, 30, 100, 300, 1000)


def one_recipe_figure(rows: Sequence[Mapping]) -> Figure:
    """The effects of comparisons in margins: at the arms' own recipes (up) against those at the base's (across).

    A full mark is a comparison whose verdict changes. Axes are linear within a margin and logarithmic beyond.
    """
    with house():
        figure = blank(4.6, 4.2)
        axes = figure.subplots()
        ends = [abs(value) for row in rows for value in _places(row)]
        reach = 1.4 * max([1.0, *ends])
        axes.axhspan(-1, 1, color='#eef1f5', linewidth=0, zorder=0)
        axes.plot([-reach, reach], [-reach, reach], color='#bbbbbb', linewidth=0.8, zorder=1)
        for row in rows:
            x, y = _places(row)
            changed = row['verdict'] != row['shared_verdict']
            colour = FULL if changed else HOLLOW
            axes.plot([x], [y], marker='o', ls='', markersize=5, color=colour, markerfacecolor=colour if changed else 'white')
        axes.set_xscale('symlog', linthresh=1)
        axes.set_yscale('symlog', linthresh=1)
        axes.set_xlim(-reach, reach)
        axes.set_ylim(-reach, reach)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(FixedLocator(sorted({sign * tick for tick in TICKS for sign in (-1, 1) if tick < reach})))
            axis.set_major_formatter(FuncFormatter(plain_number))
            axis.set_minor_locator(NullLocator())
        axes.set_xlabel('effect at the recipe of the base, margins')
        axes.set_ylabel('effect at own recipes, margins')
    return figure


def _places(row: Mapping) -> tuple[float, float]:
    return row['shared_effect'] / row['margin'], row['effect'] / row['margin']
