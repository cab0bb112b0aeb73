"""Ladder: the effect of each arm at several sizes of the base."""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedFormatter, FixedLocator

from ablations.study import Study
from ablations.tasks import Task
from results.figures.panels import Inapplicable, arm_handles, axis_limits, explain_empty, grid, metric_ticks, shown
from results.figures.style import BAND, house, palette, rounded
from results.finding import Finding
from results.store.reading import Reading
from results.tables import count, difference_unit, number

SPREAD = 0.5
"""The share of the gap between two sizes that the arms' marks take, side by side."""


def ladders(study: Study) -> dict[str, list[Task]]:
    """The tasks of a study that are sizes of one task, by its name, in the study's order."""
    by_name: dict[str, list[Task]] = {}
    for task in study.tasks:
        if task.ladder:
            by_name.setdefault(task.ladder, []).append(task)
    return by_name


@dataclasses.dataclass(frozen=True)
class Step:
    """One size: its name, the parameters of the base where they are known, and the findings of all arms at it."""

    name: str
    params: float | None
    findings: tuple[Finding, ...]


def _places(steps: Sequence[Step]) -> tuple[list[float], bool]:
    """Where the steps stand, and whether that is by their parameters: these must be known and differ."""
    known = [step.params for step in steps if step.params]
    by_size = len(known) == len(steps) == len(set(known))
    return [math.log10(step.params) if by_size else float(number) for number, step in enumerate(steps)], by_size


def _panel(axes, title: str, steps: Sequence[Step], task: Task, styles: Mapping, base: str) -> None:
    """The effects of the arms of `styles` on one task at all steps; `base` is the model whose parameters are counted."""
    places, by_size = _places(steps)
    at = sorted(places)
    gap = min(b - a for a, b in itertools.pairwise(at)) if len(at) > 1 else 1.0
    margin = float(shown([task.margin], task.metric)[0])
    known = [one for step in steps for one in step.findings if one.effect is not None]
    axes.set_title(title)
    if not known:
        return explain_empty(axes, 'no effect is known yet')
    points = [(float(shown([one.effect], one.metric)[0]), list(shown(one.effect_interval or (), one.metric))) for one in known]
    low, high = axis_limits(points, margin, 0.0)
    axes.set_ylim(min(low, -1.3 * margin), max(high, 1.3 * margin))
    axes.axhspan(-margin, margin, color=BAND, linewidth=0, zorder=0)
    axes.axhline(0, color='black', linewidth=0.7, zorder=1)
    for i, (arm, (colour, marker)) in enumerate(styles.items()):
        shift = gap * SPREAD * ((i + 0.5) / len(styles) - 0.5)
        own = [(place, one) for place, step in zip(places, steps, strict=True) for one in step.findings if one.arm == arm]
        items = sorted(((place, one) for place, one in own if one.effect is not None), key=lambda item: item[0])
        xs = rounded([place + shift for place, _ in items])
        ys = shown([one.effect for _, one in items], task.metric)
        axes.plot(xs, ys, color=colour, linewidth=0.9, zorder=2)
        for x, y, (_, one) in zip(xs, ys, items, strict=True):
            if one.effect_interval is not None:
                axes.plot([x, x], shown(one.effect_interval, one.metric), color=colour, linewidth=0.8, zorder=2)
            fill = colour if one.verdict in ('better', 'worse') else 'white'
            look = dict(markersize=4.5, color=colour, markerfacecolor=fill, zorder=3, clip_on=False)
            bottom, top = axes.get_ylim()
            if bottom <= y <= top:
                axes.plot([x], [y], marker=marker, **look)
                continue
            # Outside the panel: an arrow at its edge, with the number.
            above = y > top
            axes.plot([x], [top if above else bottom], marker='^' if above else 'v', **look)
            told, where = number(one.effect, one.metric, True), dict(ha='left', va='top' if above else 'bottom')
            axes.annotate(told, (x, top if above else bottom), (4, 0), textcoords='offset points', fontsize=6, **where)
    ordered = sorted(zip(places, steps, strict=True), key=lambda item: item[0])
    axes.xaxis.set_major_locator(FixedLocator(at))
    axes.xaxis.set_major_formatter(FixedFormatter([count(step.params) if by_size else step.name for _, step in ordered]))
    axes.set_xlim(at[0] - 0.5 * gap, at[-1] + 0.5 * gap)
    axes.set_xlabel(f'parameters of {base} (logarithmic)' if by_size else 'size')
    axes.set_ylabel(f'effect on {task.metric}\n{difference_unit(known[0])} (above 0 is better)')
    metric_ticks(axes)


def _handles(styles: Mapping) -> list:
    mark = dict(color='black', ls='', marker='o', markersize=4.5)
    return [
        *arm_handles(styles),
        Line2D([], [], **mark, label='better or worse'),
        Line2D([], [], **mark, markerfacecolor='white', label='not told apart'),
        Patch(color=BAND, label='margin of equivalence'),
    ]


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
    del styles[study.base]
    with house():
        figure, panels = grid(len(rungs_by_name), _handles(styles), 2.6)
        for axes, (name, rungs) in zip(panels, rungs_by_name.items(), strict=True):
            steps = [
                Step(
                    task.name.removeprefix(f'{name}_'),
                    _params(reading, task.name),
                    tuple(one for one in findings if one.task == task.name),
                )
                for task in rungs
            ]
            _panel(axes, name, steps, rungs[0], styles, study.base)
    return figure


def rungs_figure(studies: Mapping[str, tuple[Reading, Sequence[Finding]]]) -> Figure:
    """The effect of each arm at every rung, with 95% intervals: a full mark is told from what the arm is compared with, a
    hollow one is not. Each panel is one task; marks of one rung stand side by side.

    `studies` has the study of each rung by the name of the rung, all with the same arms and tasks. Raises ValueError where no
    rung has a finding.
    """
    if not any(findings for _, findings in studies.values()):
        raise Inapplicable('no rung has a finding; run a study with two arms or more')
    study = next(iter(studies.values()))[0].study
    styles = palette(list(study.arms))
    del styles[study.base]
    with house():
        figure, panels = grid(len(study.tasks), _handles(styles), 2.6)
        for axes, task in zip(panels, study.tasks, strict=True):
            steps = [
                Step(rung, _params(reading, task.name), tuple(one for one in findings if one.task == task.name))
                for rung, (reading, findings) in studies.items()
            ]
            _panel(axes, task.name, steps, task, styles, study.base)
    return figure


def _params(reading: Reading, task: str) -> float | None:
    """The parameters of the base on a task, where a run has counted them."""
    return reading.manifest.get('costs', {}).get(reading.study.base, {}).get(task, {}).get('params')
