"""Pareto: quality against cost with intervals, and the arms that no other arm dominates."""

from collections.abc import Mapping

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ablations.study import Study
from results.figures.panels import (
    WIDTH,
    Inapplicable,
    arm_handles,
    axis_label,
    axis_limits,
    cost_ticks,
    draw_line,
    explain_empty,
    legend,
    legend_height,
    mark_outside,
    metric_ticks,
    missing,
    note,
    shown,
)
from results.figures.style import blank, house, palette, rounded
from results.finding import Finding
from results.fronts import Front, Point, front
from results.store.reading import Reading
from results.tables import count

COSTS = ('params', 'macs', 'step_seconds', 'peak_memory')
TITLES = {
    'params': 'parameters',
    'macs': 'multiply-adds',
    'step_seconds': 'time of a step, ms',
    'peak_memory': 'peak memory, bytes',
    'activation_bytes': 'activations, bytes',
}
PALE = 0.35
"""The opacity of the colour of an arm that is possibly on the front."""


def chosen(fronts: Mapping[tuple[str, str], Front], tasks: list[str]) -> list[str]:
    """The costs to draw: those that are known for some arm. Counted activations stand in for memory that was not measured."""
    known = [cost for cost in (*COSTS, 'activation_bytes') if any(fronts[task, cost].points for task in tasks)]
    return [cost for cost in known if cost != 'activation_bytes' or 'peak_memory' not in known]


def _cost(value: float, cost: str) -> float:
    return value * (1000 if cost == 'step_seconds' else 1)


def _mark(point: Point, colour: str) -> dict:
    """The mark of a point: full on the front, pale if possibly on it, hollow if dominated or unknown."""
    if point.standing == 'front':
        return dict(markerfacecolor=colour, markeredgecolor='black')
    if point.standing == 'possible':
        pale = [1 - PALE * (1 - int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5)]
        return dict(markerfacecolor=tuple(rounded(pale)), markeredgecolor=colour)
    return dict(markerfacecolor='white', markeredgecolor=colour)


def _panel(axes, study: Study, one: Front, styles: dict) -> list[str]:
    """Draw one task and cost; gives the sentences for below the panel."""
    item = study.task(one.task)
    if not one.points:
        explain_empty(axes, 'no arm has both a confirmed\nmetric and this cost yet')
        return []
    values = {point.arm: float(shown([point.value], one.metric)[0]) for point in one.points}
    ends = {p.arm: [] if p.interval is None else list(shown(p.interval, one.metric)) for p in one.points}
    low, high = axis_limits([(values[arm], ends[arm]) for arm in values], float(shown([item.margin], one.metric)[0]))
    axes.set_ylim(low, high)
    costs = {point.arm: float(rounded([_cost(point.cost, one.cost)])[0]) for point in one.points}
    cost_ticks(axes, list(costs.values()), count)
    best = sorted((point for point in one.points if point.on_front), key=lambda point: point.cost)
    # Nothing cheaper than the cheapest is known, and past the dearest nothing better: the front runs on level.
    steps = [costs[point.arm] for point in best] + [axes.get_xlim()[1]]
    heights = [values[point.arm] for point in best] + [values[best[-1].arm]]
    draw_line(axes, steps, heights, drawstyle='steps-post', color='black', linewidth=0.8, linestyle=(0, (3, 2)), zorder=1)
    for point in one.points:
        colour, marker = styles[point.arm]
        x, y = costs[point.arm], values[point.arm]
        if not low <= y <= high:
            continue
        if ends[point.arm]:
            draw_line(axes, [x, x], ends[point.arm], color=colour, linewidth=0.9, zorder=2)
        if point.cost_interval is not None:
            sides = rounded([_cost(max(end, 0.0), one.cost) for end in point.cost_interval])
            draw_line(axes, sides, [y, y], color=colour, linewidth=0.9, zorder=2)
        axes.plot([x], [y], marker=marker, markersize=5, markeredgewidth=0.8, zorder=3, **_mark(point, colour))
    metric_ticks(axes)
    outside = mark_outside(axes, item, {point.arm: point.value for point in one.points}, styles, costs)
    return [*outside, *missing(study, costs)]


def pareto_figure(reading: Reading, findings: list[Finding]) -> Figure:
    """Quality against what it costs, by task, with 95% intervals. Full marks are on the front for sure, pale ones possibly,
    hollow ones are dominated; dashed is the front of the means.

    An arm far outside is named at the edge. Raises ValueError where the study has one arm.
    """
    study = reading.study
    if len(study.arms) < 2:
        raise Inapplicable(f"study '{study.name}' has one arm, so no front; add an arm to the study")
    styles, tasks = palette(list(study.arms)), [task.name for task in study.tasks]
    all_costs = (*COSTS, 'activation_bytes')
    fronts = {(task, cost): front(reading, task, cost) for task in tasks for cost in all_costs}
    costs = chosen(fronts, tasks) or ['params']
    mark = dict(color='black', ls='', marker='o', markersize=5, markeredgewidth=0.8)
    handles = [
        *arm_handles(styles, line=False),
        Line2D([], [], **mark, label='on the front'),
        Line2D([], [], **mark, markerfacecolor='#b0b0b0', label='possibly on it'),
        Line2D([], [], **mark, markerfacecolor='white', label='dominated or not known'),
        Line2D([], [], color='black', linewidth=0.8, linestyle=(0, (3, 2)), label='front of the means'),
    ]
    with house():
        width = max(WIDTH * min(1.0, len(costs) / 3), 0.6 * WIDTH)
        figure = blank(width, 2.05 * len(tasks) + 0.2 + legend_height([handle.get_label() for handle in handles], width))
        rows = figure.subplots(len(tasks), len(costs), squeeze=False)
        for line, task in zip(rows, study.tasks, strict=True):
            for axes, cost in zip(line, costs, strict=True):
                one = fronts[task.name, cost]
                words = _panel(axes, study, one, styles)
                note(axes, TITLES[cost], words if cost == costs[0] else [], 38)
                axes.set_title(task.name)
                axes.tick_params(labelleft=axes is line[0])
            line[0].set_ylabel(axis_label(task, 'test'))
        legend(figure, handles)
    return figure
