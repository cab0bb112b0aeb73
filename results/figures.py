"""Figures: effects beside their intervals, and what each arm loses away from its best learning rate."""

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from ablations.study import Study
from ablations.trial import Schedule
from results.evidence import Finding
from results.selection import profile
from results.style import BAND, blank, house, palette, rounded, save
from results.tables import MINUS, difference_unit, number, scaled, span, tasks, verdict_words

__all__ = ['FIGURES', 'effect_figure', 'lr_figure', 'save']

WIDTH = 7.2
BELOW = 0.25
"""How far below chance a panel of learning rates reaches at most, as a share of what lies above it."""
FAR = 4.0
"""Effects beyond this many times the middle arm's reach (and the margin) are drawn at the edge, with their numbers."""


def _plain(value: float, _position: int | None = None) -> str:
    return f'{value:g}'.replace('-', MINUS) if not 0 < abs(value) < 1e-3 else f'{value:.0e}'.replace('e-0', 'e-')


def _panels(figure: Figure, count: int) -> tuple[list, object]:
    """A grid of at most two columns, and the empty last cell where the count is odd."""
    columns = min(count, 2)
    grid = figure.subplots(math.ceil(count / columns), columns, squeeze=False).flat
    spare = grid[-1] if count < len(grid) else None
    if spare is not None:
        spare.set_axis_off()
    return list(grid[:count]), spare


def _ends(one: Finding) -> list[float]:
    ends = [one.effect, one.shared_effect, *(one.effect_interval or ()), *(one.shared_interval or ())]
    return [scaled(end, one.metric) for end in ends if end is not None]


def _limits(items: list[Finding]) -> tuple[float, float]:
    """The ends of a panel: zero, the margin, all effects and, where they fit, intervals that are not far beyond the middle."""
    margin = scaled(items[0].margin, items[0].metric)
    known = [_ends(one) for one in items if one.effect is not None]
    reach = sorted(max(map(abs, ends)) for ends in known)
    most = FAR * max(margin, reach[(len(reach) - 1) // 2] if reach else 0.0)
    fitting = [end for ends in known if max(map(abs, ends)) <= most for end in ends]
    fitting += [ends[0] for ends in known if abs(ends[0]) <= most]
    low, high = min([-1.4 * margin, *fitting]), max([1.4 * margin, *fitting])
    return tuple(rounded([low - 0.06 * (high - low), high + 0.06 * (high - low)]))


def _effect_row(axes, one: Finding, y: float, colour: str, marker: str) -> None:
    """The two effects of an arm; one that lies outside the panel is an arrow with its numbers."""
    (low, high), across = axes.get_xlim(), {'transform': axes.get_yaxis_transform()}
    plate = dict(facecolor='white', edgecolor='none', pad=0.4)
    if one.effect is None:
        axes.text(0.05, y, 'no effect yet', va='center', fontsize=7, style='italic', bbox=plate, **across)
        return
    for effect, interval, at, fill in (
        (one.effect, one.effect_interval, y - 0.17, colour),
        (one.shared_effect, one.shared_interval, y + 0.17, 'white'),
    ):
        if effect is None:
            continue
        look = dict(color=colour, markerfacecolor=fill, markersize=4.5, markeredgewidth=0.9)
        place = rounded([scaled(effect, one.metric)])
        if low <= place[0] <= high:
            if interval is not None:
                ends = rounded([scaled(end, one.metric) for end in interval])
                axes.plot(ends, [at, at], color=colour, linewidth=1.3 if at < y else 0.9, solid_capstyle='butt')
            axes.plot(place, [at], marker=marker, **look)
        else:
            right = effect > 0
            text = f'{number(effect, one.metric, True)} {span(interval, one.metric, True)}'.strip()
            axes.plot([0.985 if right else 0.015], [at], marker='>' if right else '<', **look, **across)
            where = dict(ha='right' if right else 'left', va='center_baseline', fontsize=6)
            axes.text(0.95 if right else 0.05, at, text, bbox=plate, **where, **across)


def _effect_panel(axes, items: list[Finding], looks: dict, labelled: bool) -> None:
    one = items[0]
    margin = scaled(one.margin, one.metric)
    axes.set_xlim(*_limits(items))
    axes.axvspan(-margin, margin, color=BAND, linewidth=0, zorder=0)
    axes.axvline(0, color='black', linewidth=0.7, zorder=1)
    for y, finding in enumerate(items):
        _effect_row(axes, finding, y, *looks[finding.arm])
        words = verdict_words(finding).replace(', ', ',\n') + '\n(censored)' * bool(finding.censored)
        axes.text(1.02, y, words, va='center', fontsize=7, linespacing=0.95, transform=axes.get_yaxis_transform())
    axes.set_ylim(len(items) - 0.45, -0.55)
    axes.set_yticks(range(len(items)), [finding.arm if labelled else '' for finding in items])
    axes.tick_params(axis='y', length=0)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(_plain))
    axes.set_title(one.task)
    axes.set_xlabel(f'effect on {one.metric}, {difference_unit(one)} (right is better)')


def effect_figure(study: Study, schedule: Schedule, records: Mapping[str, dict], findings: list[Finding]) -> Figure:
    """Every arm's effect on each task: filled at its own best recipe, hollow at the base's, with 95 % intervals.

    The band is the margin of equivalence; the verdict stands at the right. An effect far beyond the others is an arrow
    with its numbers; an interval may run out of its panel. Raises ValueError where the study compares nothing.
    """
    by_task = tasks(findings)
    if not by_task:
        raise ValueError(f"study '{study.name}' has one arm, so no effects; add an arm to the study")
    looks = palette(list(study.arms))
    arms = max(len(items) for items in by_task.values())
    height = math.ceil(len(by_task) / 2) * (0.75 + 0.27 * max(arms, 4)) + 0.3
    with house():
        figure = blank(WIDTH if len(by_task) > 1 else 0.6 * WIDTH, height)
        panels, spare = _panels(figure, len(by_task))
        for place, (axes, items) in enumerate(zip(panels, by_task.values(), strict=True)):
            _effect_panel(axes, items, looks, place % 2 == 0)
        line = dict(color='black', marker='o', markersize=4.5, markeredgewidth=0.9)
        handles = [
            Line2D([], [], **line, linewidth=1.3, label='each at its own best recipe'),
            Line2D([], [], **line, linewidth=0.9, markerfacecolor='white', label="both at the base's recipe"),
            Patch(color=BAND, label='equivalence margin'),
        ]
        if spare is None:
            figure.legend(handles=handles, loc='outside lower center', ncols=3 if len(by_task) > 1 else 1)
        else:
            spare.legend(handles=handles, loc='center')
    return figure


def _tuned(study: Study, schedule: Schedule, records: Mapping[str, dict], arm: str, task: str, optimizer: str) -> list:
    """Recorded tuning trials by replicate: (units [n, d], scores [n] in the good direction, -inf where diverged)."""
    space, sign, found = study.tune[optimizer], study.task(task).sign, []
    for replicate in range(study.replicates):
        trials = schedule.asked.get(('tune', arm, task, replicate), ())
        trials = [trial for trial in trials if trial.program.optimizer == optimizer and trial.id in records]
        if not trials:
            continue
        knobs = [dict(trial.knobs) for trial in trials]
        units = np.array([[values.unit(point[name]) for name, values in space.items()] for point in knobs])
        runs = [records[trial.id] for trial in trials]
        scores = [sign * run['score'] if run['status'] == 'ok' and run.get('score') is not None else -math.inf for run in runs]
        found.append((units, np.array(scores, float)))
    return found


class _RatePanel:
    """One task and optimizer: points, profiles and selected rates of all arms."""

    def __init__(self, study: Study, schedule: Schedule, records: Mapping[str, dict], task: str, optimizer: str):
        self.study, self.schedule, self.item, self.optimizer = study, schedule, study.task(task), optimizer
        self.space = list(study.tune[optimizer].values())
        self.place = list(study.tune[optimizer]).index('lr')
        self.tuned = {arm: _tuned(study, schedule, records, arm, task, optimizer) for arm in study.arms}

    def rates(self, units: np.ndarray) -> np.ndarray:
        return rounded([self.space[self.place].value(float(unit)) for unit in units])

    def shown(self, scores: np.ndarray) -> np.ndarray:
        return rounded([scaled(self.item.sign * score, self.item.metric) for score in scores])

    @property
    def scores(self) -> list[float]:
        return [score for replicates in self.tuned.values() for _, scores in replicates for score in scores]

    def draw(self, axes, looks: dict, every: list[float]) -> None:
        """Draw on `axes`; `every` holds the scores of all panels that share its scale."""
        self.axes = axes
        axes.set_xscale(self.space[self.place].scale)
        self._limits(every)
        for place, (arm, replicates) in enumerate(self.tuned.items()):
            self._arm(place, arm, replicates, *looks[arm])
        self._edges()
        axes.xaxis.set_major_formatter(FuncFormatter(_plain))
        if self.space[self.place].scale == 'log':
            low, high = axes.get_xlim()
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 3) if high < 300 * low else (1,), numticks=12))
            axes.xaxis.set_minor_formatter(NullFormatter())
            axes.xaxis.set_minor_locator(NullLocator())

    def _limits(self, every: list[float]) -> None:
        """From the best score to the worst or somewhat below chance; diverged runs get a strip of their own at that end."""
        finite = [score for score in every if math.isfinite(score)]
        chance = self.item.sign * self.item.chance
        best = max(finite, default=chance + abs(chance))
        self.floor = max(min(finite, default=chance), chance - BELOW * abs(best - chance))
        lost, room = len(finite) < len(every), max(best - self.floor, 1e-6 * abs(best), 1e-12)
        low, edge, high = self.floor - room * (0.24 if lost else 0.06), self.floor - 0.06 * room, best + 0.06 * room
        ends = self.shown(np.array([low, edge, self.floor, best, high]))
        self.axes.set_ylim(*sorted(ends[[0, 4]]))
        self.up = self.item.sign > 0
        inner = sorted(ends[[1, 4]])
        ticks = [tick for tick in MaxNLocator(5).tick_values(*inner) if inner[0] <= tick <= inner[1]]
        labels = [_plain(float(f'{tick:.6g}')) for tick in ticks]
        if not any(math.isfinite(score) for score in self.scores):
            words = 'every run diverged' if self.scores else 'no run recorded yet'
            self.axes.text(0.5, 0.5, words, transform=self.axes.transAxes, ha='center', fontsize=7, style='italic')
        if not finite:
            ticks, labels = [], []
        if lost:
            self.axes.axhline(ends[1], color='black', linewidth=0.5)
            ticks, labels = [*ticks, (ends[0] + ends[1]) / 2], [*labels, 'diverged']
        self.axes.set_yticks(ticks, labels)

    def _arm(self, place: int, arm: str, replicates: list, colour: str, marker: str) -> None:
        axes = self.axes
        for units, scores in replicates:
            rates, finite = self.rates(units[:, self.place]), np.isfinite(scores)
            values = self.shown(np.maximum(scores[finite], self.floor))
            axes.plot(rates[finite], values, ls='', marker=marker, ms=2.6, mew=0, color=colour, alpha=0.4, zorder=2)
            row = 0.012 + 0.115 * (place + 0.5) / len(self.tuned)
            rows = np.full(int((~finite).sum()), row if self.up else 1 - row)
            across = axes.get_xaxis_transform()
            axes.plot(rates[~finite], rounded(rows), ls='', marker='x', ms=2.8, mew=0.7, color=colour, transform=across)
        order = [self.place, *(dim for dim in range(len(self.space)) if dim != self.place)]
        curve = profile([(units[:, order], scores) for units, scores in replicates], len(self.space))
        if curve is not None:
            axes.plot(self.rates(curve[0]), self.shown(curve[1]), color=colour, zorder=3)
        for replicate in range(self.study.replicates):
            chosen = self.schedule.selections.get((arm, self.item.name, replicate))
            if chosen is not None and chosen.optimizer == self.optimizer:
                at = rounded([dict(chosen.knobs)['lr']]), self.shown(np.array([max(chosen.score, self.floor)]))
                axes.plot(*at, ls='', marker=marker, ms=4.8, mew=0.7, mec='black', mfc=colour, zorder=4)

    def _edges(self) -> None:
        """The study's own range, and the furthest rates that an extension tried."""
        values = self.space[self.place]
        for rate in (values.low, values.high):
            self.axes.axvline(rate, color='black', linestyle=':', linewidth=0.9, zorder=1)
        every = [unit for replicates in self.tuned.values() for units, _ in replicates for unit in units[:, self.place]]
        for unit in {min(every, default=0.0), max(every, default=1.0)}:
            if not -1e-6 <= unit <= 1 + 1e-6:
                self.axes.axvline(self.rates([unit])[0], color='black', linestyle=':', linewidth=0.6, alpha=0.6, zorder=1)
        low, high = min([0.0, *every]) - 0.04, max([1.0, *every]) + 0.04
        self.axes.set_xlim(*self.rates([low, high]))


def lr_figure(study: Study, schedule: Schedule, records: Mapping[str, dict], findings: list[Finding] = ()) -> Figure:
    """What each arm scores over the learning rates, by task and optimizer.

    Every tuning trial is a point (one far below chance is drawn at the floor), every diverged one a cross
    at the bad end; the line is the surface fitted to all replicates at its best weight decay; the large marks are the
    rates that the replicates selected. Dotted: the study's range, and fainter how far an extension went.
    """
    looks = palette(list(study.arms))
    columns = len(study.tune)
    with house():
        figure = blank(max(0.5 * WIDTH * columns, 0.6 * WIDTH), 2.05 * len(study.tasks) + 0.5)
        grid = figure.subplots(len(study.tasks), columns, squeeze=False)
        for line, item in zip(grid, study.tasks, strict=True):
            panels = [_RatePanel(study, schedule, records, item.name, optimizer) for optimizer in study.tune]
            for axes, panel in zip(line, panels, strict=True):
                panel.draw(axes, looks, [score for other in panels for score in other.scores])
                axes.set_title(f'{item.name}, {panel.optimizer}')
                axes.tick_params(labelleft=axes is line[0])
            unit = '%' if item.metric == 'accuracy' else item.unit
            line[0].set_ylabel(f'tuning {item.metric}, {unit}\n({item.direction} is better)')
        for axes in grid[-1]:
            axes.set_xlabel('learning rate')
        handles = [Line2D([], [], color=c, marker=m, markersize=4, label=arm) for arm, (c, m) in looks.items()]
        selected = dict(marker='o', markersize=5.5, markerfacecolor='white', markeredgecolor='black', markeredgewidth=0.8)
        handles += [
            Line2D([], [], linestyle='', **selected, label='selected, one a replicate'),
            Line2D([], [], linestyle='', marker='x', markersize=3.5, color='black', label='diverged'),
        ]
        figure.align_ylabels()
        figure.legend(handles=handles, loc='outside lower center', ncols=min(5, len(handles)) if columns > 1 else 3)
    return figure


FIGURES = {'effect': effect_figure, 'lr': lr_figure}
"""Figures by kind; each is drawn from (study, schedule, records, findings)."""
