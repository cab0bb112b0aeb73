"""Effect: the difference of every arm to its reference, at its own best recipe and at the base's."""

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ablations.study import Study
from results.figures.panels import FAR, PLATE, Inapplicable, draw_line, grid, metric_ticks, wrapped
from results.figures.style import BAND, house, palette, rounded
from results.finding import Finding
from results.store.reading import Reading
from results.tables import difference_unit, number, scaled, span, tasks, verdict_words


def _ends(one: Finding) -> list[float]:
    ends = [one.effect, one.shared_effect, *(one.effect_interval or ()), *(one.shared_interval or ())]
    return [scaled(end, one.metric) for end in ends if end is not None]


def _limits(items: list[Finding]) -> tuple[float, float]:
    """The limits of a panel: they hold zero, the margin, all effects, and intervals unless they are very wide."""
    margin = scaled(items[0].margin, items[0].metric)
    known = [_ends(one) for one in items if one.effect is not None]
    reach = sorted(max(map(abs, ends)) for ends in known)
    most = FAR * max(margin, reach[(len(reach) - 1) // 2] if reach else 0.0)
    fitting = [end for ends in known if max(map(abs, ends)) <= most for end in ends]
    fitting += [ends[0] for ends in known if abs(ends[0]) <= most]
    low, high = min([-1.4 * margin, *fitting]), max([1.4 * margin, *fitting])
    return tuple(rounded([low - 0.06 * (high - low), high + 0.06 * (high - low)]))


def _effect_row(axes, one: Finding, y: float, colour: str, marker: str, shared: bool) -> None:
    """Draw the effect of an arm, or both if `shared`; an effect outside the panel becomes an arrow with its numbers."""
    (low, high), across = axes.get_xlim(), {'transform': axes.get_yaxis_transform()}
    if one.effect is None:
        axes.text(0.05, y, 'no effect yet', va='center', fontsize=7, style='italic', bbox=PLATE, **across)
        return
    for effect, interval, at, fill in (
        (one.effect, one.effect_interval, y - 0.17 if shared else y, colour),
        (one.shared_effect, one.shared_interval, y + 0.17, 'white'),
    ):
        if effect is None:
            continue
        look = dict(color=colour, markerfacecolor=fill, markersize=4.5, markeredgewidth=0.9)
        place = rounded([scaled(effect, one.metric)])
        if low <= place[0] <= high:
            if interval is not None:
                ends = rounded([scaled(end, one.metric) for end in interval])
                draw_line(axes, ends, [at, at], color=colour, linewidth=0.9 if at > y else 1.3, solid_capstyle='butt')
            draw_line(axes, place, [at], marker=marker, **look)
        else:
            right = effect > 0
            text = f'{number(effect, one.metric, True)} {span(interval, one.metric, True)}'.strip()
            draw_line(axes, [0.985 if right else 0.015], [at], marker='>' if right else '<', **look, **across)
            where = dict(ha='right' if right else 'left', va='center_baseline', fontsize=6)
            axes.text(0.95 if right else 0.05, at, text, bbox=PLATE, **where, **across)


def _words(finding: Finding) -> str:
    """The verdict on two lines at most."""
    words = [*verdict_words(finding).split(', '), *['censored'] * bool(finding.censored)]
    return words[0] if len(words) == 1 else f'{words[0]},\n{", ".join(words[1:])}'


def _label(finding: Finding, study: Study, bases: list[str]) -> str:
    """An arm's name, with the name of its reference unless all arms of the panel have the same one."""
    if len(bases) == 1 or study.shape == 'path':
        return wrapped(finding.arm, 22)
    return f'{finding.arm}\nagainst {finding.base}'


def _effect_panel(axes, study: Study, items: list[Finding], styles: dict, labelled: bool) -> None:
    one = items[0]
    margin = scaled(one.margin, one.metric)
    axes.set_xlim(*_limits(items))
    axes.axvspan(-margin, margin, color=BAND, linewidth=0, zorder=0)
    axes.axvline(0, color='black', linewidth=0.7, zorder=1)
    for y, finding in enumerate(items):
        shared = study.is_shared(finding.arm) and study.is_shared(finding.base)
        _effect_row(axes, finding, y, *styles[finding.arm], shared)
        where = dict(va='center', fontsize=7, linespacing=0.95, transform=axes.get_yaxis_transform())
        axes.text(1.02, y, _words(finding), **where)
    axes.set_ylim(len(items) - 0.45, -0.55)
    bases = list(dict.fromkeys(finding.base for finding in items))
    axes.set_yticks(range(len(items)), [_label(finding, study, bases) if labelled else '' for finding in items])
    for label, finding in zip(axes.get_yticklabels(), items, strict=True):
        label.set_fontsize(7 if '\n' in _label(finding, study, bases) else 7.5)
        label.set_linespacing(1.05)
    axes.tick_params(axis='y', length=0)
    metric_ticks(axes, 'x')
    axes.set_title(one.task)
    against = 'the step before' if study.shape == 'path' else bases[0] if len(bases) == 1 else ''
    axes.set_xlabel(
        f'effect on {one.metric}, {difference_unit(one)} (right is better)' + f'\nagainst {against}' * bool(against)
    )


def effect_figure(reading: Reading, findings: list[Finding]) -> Figure:
    """Effect of each arm on each task, with 95% intervals: filled at its own best recipe, hollow at the base's. The band is the
    margin of equivalence; the verdict stands at the right. An effect far beyond the others is an arrow with its numbers.

    An interval may run out of its panel. Raises ValueError where the study compares nothing.
    """
    study = reading.study
    by_task = tasks(findings)
    if not by_task:
        raise Inapplicable(f"study '{study.name}' has one arm, so no effects; add an arm to the study")
    styles = palette(list(study.arms))
    arms = max(len(items) for items in by_task.values())
    line = dict(color='black', marker='o', markersize=4.5, markeredgewidth=0.9)
    handles = [
        Line2D([], [], **line, linewidth=1.3, label='each at its own best recipe'),
        Line2D([], [], **line, linewidth=0.9, markerfacecolor='white', label=f'both at the recipe of {study.base}'),
        Patch(color=BAND, label='margin of equivalence'),
    ]
    if not study.share:
        del handles[1]
    with house():
        figure, panels = grid(len(by_task), handles, 0.85 + 0.29 * max(arms, 4))
        for place, (axes, items) in enumerate(zip(panels, by_task.values(), strict=True)):
            _effect_panel(axes, study, items, styles, place % 2 == 0)
    return figure
