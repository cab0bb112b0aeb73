"""Panels: grids, axis limits that one far arm cannot squeeze, notes and legends, shared by the figures."""

import math
import textwrap
from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from ablations.study import Study
from ablations.tasks import Task
from ablations.tasks.metrics import is_share
from results.figures.style import blank, rounded, text_width
from results.tables import MINUS, number, scaled

WIDTH = 7.2
"""Inches across a page of two columns."""
FAR = 4.0
"""A point further away than this many times the middle arm's distance is drawn at the edge, with its number."""
PLATE = dict(facecolor='white', edgecolor='none', pad=0.4)
HANDLE = 0.55
"""Inches that an entry of a legend needs beside its words."""


class Inapplicable(ValueError):
    """Raised for a study without anything to show in this kind of figure."""


def plain_number(value: float, _position: int | None = None) -> str:
    """A tick's label."""
    return f'{value:g}'.replace('-', MINUS) if not 0 < abs(value) < 1e-3 else f'{value:.0e}'.replace('e-0', 'e-')


def grid(count: int, handles: list, height: float, columns: int = 2) -> tuple[Figure, list[Axes]]:
    """A figure of panels with a legend below, as wide as the page or as one panel. Each is `height` inches with its words."""
    columns = min(count, columns)
    rows = math.ceil(count / columns)
    width = 0.6 * WIDTH if columns == 1 else WIDTH * max(1.0, columns / 2.4)
    figure = blank(width, rows * height + legend_height([handle.get_label() for handle in handles], width))
    cells = list(figure.subplots(rows, columns, squeeze=False).flat)
    for cell in cells[count:]:
        cell.set_axis_off()
    legend(figure, handles)
    return figure, cells[:count]


def axis_label(task: Task, what: str = '') -> str:
    """The label of an axis for a task's metric: what is measured, its unit and its good direction."""
    unit = '%' if is_share(task.metric) else task.unit
    short = f'{what} {task.metric}, {unit}'.strip()
    better = f'({task.direction} is better)'
    # A long unit goes to the second line, so that the label is no longer than its panel is high.
    return f'{short}\n{better}' if len(short) < 36 else f'{what} {task.metric},\n{unit} {better}'.strip()


def wrapped(name: str, most: int = 18) -> str:
    """A name broken after underscores, over as few lines as `most` characters a line allow."""
    lines = ['']
    for part in name.replace('_', '_\n').split('\n'):
        if lines[-1] and len(lines[-1]) + len(part) > most:
            lines.append('')
        lines[-1] += part
    return '\n'.join(lines)


def explain_empty(axes: Axes, words: str) -> None:
    """Write in the middle of a panel why nothing is drawn there."""
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha='center', va='center', fontsize=7, style='italic', bbox=PLATE)
    axes.set_xticks([])
    axes.set_yticks([])


def note(axes: Axes, label: str, sentences: list[str], most: int = 58) -> None:
    """Set the label of the x axis, and below it sentences about the panel, `most` characters to a line."""
    lines = [line for sentence in sentences for line in textwrap.wrap(sentence, most, break_on_hyphens=False)]
    axes.set_xlabel('\n'.join([label, *lines]))


def legend_columns(labels: Iterable[str], width: float) -> int:
    """How many entries of a legend fit side by side in `width` inches, with rows of about equal length."""
    labels = list(labels)
    widest = max(text_width(label, 7.5) for label in labels) + HANDLE
    rows = math.ceil(len(labels) / max(1, min(len(labels), int(width / widest))))
    return math.ceil(len(labels) / rows)


def legend_height(labels: Iterable[str], width: float) -> float:
    """The height in inches of a legend below the panels."""
    labels = list(labels)
    return 0.1 + 0.16 * math.ceil(len(labels) / legend_columns(labels, width))


def legend(figure: Figure, handles: list) -> None:
    """A legend below the panels."""
    across = legend_columns([handle.get_label() for handle in handles], figure.get_figwidth())
    figure.legend(handles=handles, loc='outside lower center', ncols=across, columnspacing=1.4)


def arm_handles(styles: Mapping[str, tuple[str, str]], line: bool = True) -> list[Line2D]:
    """Entries of a legend for the arms."""
    style = '-' if line else ''
    return [Line2D([], [], color=c, marker=m, ls=style, markersize=4, label=arm) for arm, (c, m) in styles.items()]


def shown(values: object, metric: str) -> np.ndarray:
    """Values in the printed unit (accuracies in percent), rounded. `[n] -> [n]`"""
    return rounded([scaled(float(value), metric) for value in np.ravel(np.asarray(values, float))])


def axis_limits(
    points: list[tuple[float, list[float]]], least: float = 0.0, centre: float | None = None
) -> tuple[float, float]:
    """The limits of an axis for points with intervals, such that a few far points do not squeeze the others.

    `centre` is the median of the points unless given. The limits hold it, every point within FAR times the middle point's
    distance from it (at least `least`), and intervals where they fit. Raises ValueError without points.
    """
    if not points:
        raise ValueError('no points; allowed: one or more; say in the panel that there are none')
    centre = float(np.median([value for value, _ in points])) if centre is None else centre
    reach = sorted(max(abs(end - centre) for end in (value, *ends)) for value, ends in points)
    most = FAR * max(least, reach[(len(reach) - 1) // 2])
    inside = [centre, *(value for value, _ in points if abs(value - centre) <= most)]
    for value, ends in points:
        if all(abs(end - centre) <= most for end in (value, *ends)):
            inside += ends
    low, high = min(inside), max(inside)
    if high - low < 2 * least:
        low, high = min(low, centre - least), max(high, centre + least)
    padding = max((high - low) * 0.07, abs(centre) * 1e-4, 1e-9)
    return tuple(rounded([low - padding, high + padding]))


def draw_line(axes: Axes, x: object, y: object, **look: object) -> None:
    """Draw a line or marks in a panel whose limits are set.

    A figure has a thousand of them, and `axes.plot` looks for limits, units and room around the panel for each.
    """
    axes.add_artist(Line2D(x, y, in_layout=False, **look))


def metric_ticks(axes: Axes, which: str = 'y', most: int = 5) -> None:
    """Few plain ticks on a linear axis."""
    axis = axes.yaxis if which == 'y' else axes.xaxis
    axis.set_major_locator(MaxNLocator(most))
    axis.set_major_formatter(FuncFormatter(plain_number))


def cost_ticks(axes: Axes, values: list[float], words: object) -> None:
    """Set few ticks on a cost axis, named by `words`; it is logarithmic where costs differ by more than a factor of four."""
    low, high = min(values), max(values)
    if high > 4 * low > 0:
        axes.set_xscale('log')
        wide = high > 100 * low
        axes.xaxis.set_major_locator(LogLocator(subs=(1,) if wide else (1, 2, 5) if high < 20 * low else (1, 3), numticks=8))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlim(*rounded([low / (high / low) ** 0.1, high * (high / low) ** 0.1]))
    else:
        padding = max(0.15 * (high - low), 0.05 * high, 1e-12)
        ends = rounded([low - padding, high + padding])
        axes.set_xlim(*ends)
        axes.xaxis.set_major_locator(FixedLocator([t for t in MaxNLocator(3).tick_values(*ends) if ends[0] <= t <= ends[1]]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: words(value)))


def mark_outside(
    axes: Axes, task: Task, values: Mapping[str, float], styles: Mapping[str, tuple[str, str]], at: Mapping[str, float] = {}
) -> list[str]:
    """Mark arms with a value outside a panel by an arrow at that edge; gives the words that name them.

    The arrow stands at `at`, the arm's place on the x axis, else at the right.
    """
    low, high = axes.get_ylim()
    lost = [arm for arm, value in values.items() if not low <= scaled(value, task.metric) <= high]
    for place, arm in enumerate(lost):
        below = scaled(values[arm], task.metric) < low
        across = axes.get_xaxis_transform() if arm in at else axes.transAxes
        where = [at.get(arm, 0.98 - 0.035 * place)], [0.03 if below else 0.97]
        draw_line(
            axes, *where, marker='v' if below else '^', ls='', color=styles[arm][0], markersize=4.5, transform=across, zorder=4
        )
    # A name and its number stay on one line.
    words = ', '.join(f'{arm}\u00a0{number(values[arm], task.metric)}' for arm in lost)
    return [f'outside: {words}'] if lost else []


def draw_bands(
    axes: Axes, task: Task, lines: Mapping[str, tuple], styles: Mapping[str, tuple[str, str]], start: int
) -> list[str]:
    """Draw lines with bands over steps or trials, and set limits that show the middle arm from point `start` on.

    `lines` is {arm: (x, mean, low, high)} in the task's own metric; `low` and `high` are None where not known. A line may enter
    from outside. An arm that ends outside gets an arrow at the edge, and the returned words name it.
    """
    drawn = {arm: (x, *(None if y is None else shown(y, task.metric) for y in ys)) for arm, (x, *ys) in lines.items()}
    best = max if task.direction == 'higher' else min
    firsts = [mean[min(start, len(mean) - 1)] for _, mean, _, _ in drawn.values()]
    good, poor = best(best(mean) for _, mean, _, _ in drawn.values()), float(np.median(firsts))
    ends = [mean[-1] for _, mean, _, _ in drawn.values()]
    near = [end for end in ends if abs(end - good) <= 1.5 * abs(poor - good)]
    low, high = min([good, poor, *near]), max([good, poor, *near])
    padding = 0.07 * (high - low) or 0.02 * abs(high) or 1e-6
    low, high = rounded([low - padding, high + padding])
    axes.set_ylim(low, high)
    for place, (arm, (x, mean, bottom, top)) in enumerate(drawn.items()):
        colour, marker = styles[arm]
        if bottom is not None:
            axes.fill_between(x, bottom, top, color=colour, alpha=0.12 if len(lines) < 5 else 0.05, linewidth=0, zorder=2)
        spots = range(place % 3, len(x), max(1, len(x) // 8)) if len(x) > 12 else None
        axes.plot(x, mean, color=colour, marker=marker, markersize=3, markevery=spots, linewidth=1.1, zorder=3)
    metric_ticks(axes)
    return mark_outside(axes, task, {arm: float(mean[-1]) for arm, (_, mean, *_) in lines.items()}, styles)


def missing(study: Study, known: Iterable[str]) -> list[str]:
    """A sentence that names the arms without anything to draw yet, or none."""
    known = list(known)
    lost = [arm for arm in study.arms if arm not in known]
    return [f'not known yet: {", ".join(lost)}'] if lost else []
