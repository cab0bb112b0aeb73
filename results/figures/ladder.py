"""Ladder: the effect of each arm at several sizes of the base."""

import itertools
import math
from collections.abc import Mapping

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter, NullLocator

from ablations.study import Study
from ablations.tasks import Task
from results.figures.panels import Inapplicable, arm_handles, axis_limits, explain_empty, grid, metric_ticks, shown
from results.figures.style import BAND, house, palette, rounded
from results.finding import Finding
from results.store.reading import Reading
from results.tables import count, difference_unit

SPREAD = 0.5
"""The share of the gap between two sizes that the arms' marks take, side by side."""


def ladders(study: Study) -> dict[str, list[Task]]:
    """The tasks of a study that are sizes of one task, by its name, in the study's order."""
    by_name: dict[str, list[Task]] = {}
    for task in study.tasks:
        if task.ladder:
            by_name.setdefault(task.ladder, []).append(task)
    return by_name


def sizes(study: Study, rungs: list[Task], manifest: Mapping) -> dict[str, float] | None:
    """The base's parameters on each rung; None unless all are known and all differ."""
    costs = manifest.get('costs', {}).get(study.base, {})
    params = {task.name: costs.get(task.name, {}).get('params') for task in rungs}
    known = [value for value in params.values() if value]
    return params if len(known) == len(rungs) == len(dict.fromkeys(known)) else None


def _panel(axes, study: Study, name: str, rungs: list[Task], findings: list[Finding], manifest: Mapping, styles: dict) -> None:
    order, task = sizes(study, rungs, manifest), rungs[0]
    places = {t.name: math.log10(order[t.name]) if order else float(i) for i, t in enumerate(rungs)}
    at = sorted(places.values())
    gap = min(b - a for a, b in itertools.pairwise(at)) if len(at) > 1 else 1.0
    arms = [arm for arm in study.arms if arm != study.base]
    own = {arm: [one for one in findings if one.arm == arm and one.task in places] for arm in arms}
    margin = float(shown([task.margin], task.metric)[0])
    known = [one for items in own.values() for one in items if one.effect is not None]
    axes.set_title(name)
    if not known:
        return explain_empty(axes, 'no effect is known yet')
    points = [(float(shown([one.effect], one.metric)[0]), list(shown(one.effect_interval or (), one.metric))) for one in known]
    low, high = axis_limits(points, margin, 0.0)
    axes.set_ylim(min(low, -1.3 * margin), max(high, 1.3 * margin))
    axes.axhspan(-margin, margin, color=BAND, linewidth=0, zorder=0)
    axes.axhline(0, color='black', linewidth=0.7, zorder=1)
    for i, arm in enumerate(arms):
        colour, marker = styles[arm]
        shift = gap * SPREAD * ((i + 0.5) / len(arms) - 0.5)
        items = sorted((one for one in own[arm] if one.effect is not None), key=lambda one: places[one.task])
        xs = rounded([places[one.task] + shift for one in items])
        ys = shown([one.effect for one in items], task.metric)
        axes.plot(xs, ys, color=colour, linewidth=0.9, zorder=2)
        for x, y, one in zip(xs, ys, items, strict=True):
            if one.effect_interval is not None:
                axes.plot([x, x], shown(one.effect_interval, one.metric), color=colour, linewidth=0.8, zorder=2)
            fill = colour if one.verdict in ('better', 'worse') else 'white'
            inside = min(max(y, axes.get_ylim()[0]), axes.get_ylim()[1])
            axes.plot([x], [inside], marker=marker, markersize=4.5, color=colour, markerfacecolor=fill, zorder=3, clip_on=False)
    labels = [
        count(order[t.name]) if order else t.name.removeprefix(f'{name}_') for t in sorted(rungs, key=lambda t: places[t.name])
    ]
    axes.xaxis.set_major_locator(FixedLocator(at))
    axes.xaxis.set_major_formatter(FixedFormatter(labels))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(at[0] - 0.5 * gap, at[-1] + 0.5 * gap)
    axes.set_xlabel(f'parameters of {study.base} (logarithmic)' if order else 'size')
    axes.set_ylabel(f'effect on {task.metric}\n{difference_unit(known[0])} (above 0 is better)')
    metric_ticks(axes)


def ladder_figure(reading: Reading, findings: list[Finding]) -> Figure:
    """The effect of each arm against the size of the base, with 95% intervals. A full mark is told from what it is compared
    with, a hollow one is not; marks of one size stand side by side.

    Raises ValueError on a study without tasks at several sizes, or with one arm.
    """
    study = reading.study
    rungs_by_name = ladders(study)
    if not rungs_by_name or not findings:
        raise Inapplicable(
            f"study '{study.name}' has no effect at several sizes of a base; give it tasks by ladder() of ablations/shapes.py "
            'and two arms or more'
        )
    styles = palette(list(study.arms))
    mark = dict(color='black', ls='', marker='o', markersize=4.5)
    handles = [
        *arm_handles({arm: style for arm, style in styles.items() if arm != study.base}),
        Line2D([], [], **mark, label='better or worse'),
        Line2D([], [], **mark, markerfacecolor='white', label='not told apart'),
        Patch(color=BAND, label='margin of equivalence'),
    ]
    with house():
        figure, panels = grid(len(rungs_by_name), handles, 2.6)
        for axes, (name, rungs) in zip(panels, rungs_by_name.items(), strict=True):
            _panel(axes, study, name, rungs, findings, reading.manifest, styles)
    return figure
