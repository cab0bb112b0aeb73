"""Path: each step as a bar with its interval and cost, and whether it differs from the step before."""

from collections.abc import Mapping

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from ablations.study import Study
from ablations.tasks import Task
from results.figures.panels import WIDTH, Inapplicable, axis_label, axis_limits, legend, metric_ticks, shown, wrapped
from results.figures.style import blank, house, palette, rounded
from results.finding import Finding
from results.store.reading import Reading
from results.tables import count, number, verdict_words

UNTOLD = '#d9d9d9'
"""The colour of a step that does not differ significantly from the one before; also hatched, for readers without colour."""
HATCH = '/////'


def values_of(study: Study, task: Task, findings: list[Finding]) -> dict[str, tuple[float | None, tuple | None]]:
    """The confirmed mean of each arm on a task with its 95 % interval; the base's are in any finding against it."""
    values = dict.fromkeys(study.arms, (None, None))
    for one in findings:
        if one.task == task.name:
            values[one.arm] = one.value, one.interval
            if one.base == study.base:
                values[one.base] = one.base_value, one.base_interval
    return values


def differs(one: Finding | None) -> bool:
    """Whether an arm differs significantly from its reference."""
    return one is not None and one.verdict in ('better', 'worse')


def _bar(axes, y: int, value: float, interval: tuple | None, colour: str, plain: bool, task: Task) -> None:
    """Draw one bar from the panel's left edge with its whisker, or an arrow where it ends outside."""
    left, right = axes.get_xlim()
    end = float(shown([value], task.metric)[0])
    if not left <= end <= right:
        far = end > right
        axes.plot(
            [0.985 if far else 0.015],
            [y],
            marker='>' if far else '<',
            color='black',
            markersize=4.5,
            zorder=4,
            transform=axes.get_yaxis_transform(),
        )
        interval = None
    end = min(max(end, left), right)
    look = dict(facecolor=colour, edgecolor='black') if plain else dict(facecolor=UNTOLD, edgecolor='#7f7f7f', hatch=HATCH)
    axes.barh([y], [end - left], left=left, height=0.62, linewidth=0.5, zorder=2, **look)
    if interval is not None:
        ends = shown(sorted(interval), task.metric)
        for line, look in ((2.6, dict(color='white')), (1.0, dict(color='black'))):
            axes.plot(ends, [y, y], linewidth=line, zorder=3, solid_capstyle='butt', **look)
        axes.plot(ends, [y, y], ls='', marker='|', color='black', markersize=5, markeredgewidth=0.9, zorder=3)


def _words(value: float | None, one: Finding | None, task: Task) -> str:
    if value is None:
        return 'not confirmed yet'
    words = 'base' if one is None else verdict_words(one) + ', censored' * bool(one.censored)
    return f'{number(value, task.metric)}  {words}'


def _row(bars, costs, study: Study, task: Task, findings: list[Finding], manifest: Mapping, styles: dict) -> None:
    """Draw one task: bars of the metric at the left, multiply-adds at the right, the first step at the top."""
    own = {one.arm: one for one in findings if one.task == task.name}
    values = values_of(study, task, findings)
    points = [
        (float(shown([value], task.metric)[0]), [] if interval is None else list(shown(interval, task.metric)))
        for value, interval in values.values()
        if value is not None
    ]
    if points:
        low, high = axis_limits(points, float(shown([task.margin], task.metric)[0]))
        # Room at the left, so that the shortest bar is a bar.
        bars.set_xlim(*rounded([low - 0.12 * (high - low), high]))
    macs = {arm: manifest.get('costs', {}).get(arm, {}).get(task.name, {}).get('macs') for arm in study.arms}
    most = max([value for value in macs.values() if value], default=1)
    for y, (arm, (value, interval)) in enumerate(values.items()):
        plain = arm == study.base or differs(own.get(arm))
        if value is not None:
            _bar(bars, y, value, interval, styles[arm][0] if arm != study.base else 'white', plain, task)
        bars.text(1.02, y, _words(value, own.get(arm), task), va='center', fontsize=7, transform=bars.get_yaxis_transform())
        if macs[arm]:
            costs.barh([y], rounded([macs[arm] / most]), height=0.62, color='#c8d3df', edgecolor='black', linewidth=0.5)
        costs.text(1.08, y, count(macs[arm]), va='center', fontsize=7, transform=costs.get_yaxis_transform())
    first = values[study.base][0]
    if first is not None:
        bars.axvline(shown([first], task.metric)[0], color='black', linestyle=(0, (3, 2)), linewidth=0.7, zorder=1)
    steps = len(study.arms)
    for axes in (bars, costs):
        axes.set_ylim(steps - 0.45, -0.55)
        axes.tick_params(axis='y', length=0)
        axes.grid(False, axis='y')
    names = list(study.arms)
    bars.set_yticks(range(steps), [wrapped(arm, 24) for arm in names])
    costs.set_yticks(range(steps), [''] * steps)
    costs.set_xlim(0, 1.05)
    costs.set_xticks([])
    costs.set_title('multiply-adds')
    bars.set_title(task.name)
    bars.set_xlabel(axis_label(task, 'test').replace('\n', ' '))
    metric_ticks(bars, 'x') if points else bars.set_xticks([])


def path_figure(reading: Reading, findings: list[Finding]) -> Figure:
    """The steps of the path: the test metric at each step's own best recipe with its 95% interval. A step that is not told from
    the one before is grey and hatched; the dashed line is the base. Bars do not begin at zero.

    After figure 2 of the ConvNeXt paper (2201.03545). Raises ValueError on a study that is no path.
    """
    study = reading.study
    if study.shape != 'path':
        raise Inapplicable(
            f"study '{study.name}' is no path but '{study.shape}', so it has no figure of steps; make its arms by path() of "
            'ablations/shapes.py'
        )
    styles = palette(list(study.arms))
    with house():
        figure = blank(WIDTH, len(study.tasks) * (0.75 + 0.27 * max(len(study.arms), 3)) + 0.3)
        rows = figure.subplots(len(study.tasks), 2, squeeze=False, width_ratios=[4.2, 1])
        for (bars, costs), task in zip(rows, study.tasks, strict=True):
            _row(bars, costs, study, task, findings, reading.manifest, styles)
        handles = [
            Patch(
                facecolor=styles[list(study.arms)[1]][0], edgecolor='black', linewidth=0.5, label='told from the step before'
            ),
            Patch(facecolor=UNTOLD, edgecolor='#7f7f7f', hatch=HATCH, linewidth=0.5, label='not told from it'),
            Patch(facecolor='white', edgecolor='black', linewidth=0.5, label='the base'),
        ]
        legend(figure, handles)
    return figure
