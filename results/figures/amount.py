"""Amount: the value of each arm against the amount of data, as dataset papers draw it (2403.08632)."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator

from ablations.shapes import AMOUNTS
from ablations.study import Study
from ablations.tasks import Task
from results.figures.ladder import ladders
from results.figures.panels import Inapplicable, arm_handles, axis_label, explain_empty, grid, metric_ticks, shown
from results.figures.path import values_of
from results.figures.style import house, palette
from results.finding import Finding
from results.store.reading import Reading

SPREAD = 0.24
"""The share of the gap between two amounts that the intervals of the arms take, side by side."""


def amounts_of(tasks: Sequence[Task]) -> str:
    """The one field in which the data of tasks differ, where that is an amount; else ''.

    >>> from ablations.shapes import amounts
    >>> amounts_of(amounts('collections', train=[200, 800]))
    'train'
    """
    differ = {name for one in tasks for name in {*one.data, *tasks[0].data} if one.data.get(name) != tasks[0].data.get(name)}
    return differ.pop() if len(differ) == 1 and differ <= {*AMOUNTS} else ''


def _panel(axes, title: str, tasks: Sequence[Task], study: Study, findings: list[Finding], styles: Mapping) -> None:
    field = amounts_of(tasks)
    tasks = sorted(tasks, key=lambda one: one.data[field])
    values = {task.name: values_of(study, task, findings) for task in tasks}
    axes.set_title(title)
    if all(value is None for own in values.values() for value, _ in own.values()):
        return explain_empty(axes, 'nothing is confirmed yet')
    for number, (arm, (colour, marker)) in enumerate(styles.items()):
        shift = SPREAD * ((number + 0.5) / len(styles) - 0.5)
        known = [
            (place + shift, *values[task.name][arm])
            for place, task in enumerate(tasks)
            if values[task.name][arm][0] is not None
        ]
        xs, ys = [x for x, _, _ in known], shown([value for _, value, _ in known], tasks[0].metric)
        axes.plot(xs, ys, color=colour, marker=marker, markersize=4, linewidth=0.9, zorder=3)
        for x, _, interval in known:
            if interval is not None:
                axes.plot([x, x], shown(interval, tasks[0].metric), color=colour, linewidth=0.8, zorder=2)
    chance = shown([task.chance for task in tasks], tasks[0].metric)
    axes.plot(range(len(tasks)), chance, color='black', linestyle=':', linewidth=0.8, zorder=1)
    axes.xaxis.set_major_locator(FixedLocator(range(len(tasks))))
    axes.xaxis.set_major_formatter(FixedFormatter([f'{task.data[field]:,}' for task in tasks]))
    axes.set_xlim(-0.5, len(tasks) - 0.5)
    axes.set_xlabel(AMOUNTS[field])
    axes.set_ylabel(axis_label(tasks[0]))
    metric_ticks(axes)


def amount_figure(reading: Reading, findings: list[Finding]) -> Figure:
    """The value of each arm at its own best recipe against the amount of data, with 95% intervals. Marks of one amount stand
    side by side; the dotted line is chance.

    Raises ValueError on a study without tasks of several amounts, or with one arm.
    """
    study = reading.study
    by_name = {name: tasks for name, tasks in ladders(study).items() if amounts_of(tasks)}
    if not by_name or not findings:
        raise Inapplicable(
            f"study '{study.name}' has no task with several amounts of data; give it tasks by amounts() of ablations/shapes.py "
            'and two arms or more'
        )
    styles = palette(list(study.arms))
    with house():
        figure, panels = grid(len(by_name), [*arm_handles(styles), Line2D([], [], color='black', ls=':', label='chance')], 2.6)
        for axes, (name, tasks) in zip(panels, by_name.items(), strict=True):
            _panel(axes, name, tasks, study, findings, styles)
    return figure
