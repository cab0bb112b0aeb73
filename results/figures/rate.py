"""Learning rate: the scores of each arm over the learning rates, and the rates that its replicates selected."""

import math

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from results.figures.panels import arm_handles, axis_label, draw_line, grid, plain_number
from results.figures.style import house, palette, rounded
from results.finding import Finding
from results.rate_profile import profile
from results.runs import Runs
from results.store.reading import Reading
from results.store.records import STOPPED
from results.tables import scaled

BELOW = 0.25
"""How far a panel may reach below chance, as a share of the panel above chance."""


def _tuned(reading: Reading, arm: str, task: str, optimizer: str) -> list:
    """Recorded tuning trials by replicate: (units [n, d], scores [n] in the good direction, -inf where diverged).

    Runs that failed or were stopped are none of them.
    """
    study = reading.study
    space, sign, by_replicate = study.space(arm, optimizer), study.task(task).sign, []
    for replicate in range(study.replicates):
        trials = reading.schedule.asked.get(('tune', arm, task, replicate), ())
        trials = [trial for trial in trials if trial.program.optimizer == optimizer and trial.id in reading.records]
        trials = [trial for trial in trials if reading.records[trial.id]['status'] not in ('failed', STOPPED)]
        if not trials:
            continue
        knobs = [dict(trial.knobs) for trial in trials]
        units = np.array([[values.unit(point[name]) for name, values in space.items()] for point in knobs])
        runs = [reading.records[trial.id] for trial in trials]
        scores = [sign * run['score'] if run['status'] == 'ok' and run.get('score') is not None else -math.inf for run in runs]
        by_replicate.append((units, np.array(scores, float)))
    return by_replicate


class _RatePanel:
    """One task and optimizer: points, profiles and selected rates of all arms."""

    def __init__(self, reading: Reading, task: str, optimizer: str):
        study = reading.study
        self.study, self.schedule, self.item, self.optimizer = study, reading.schedule, study.task(task), optimizer
        self.space = list(study.tune[optimizer].values())
        self.place = list(study.tune[optimizer]).index('lr')
        self.smooth = np.array([values.smooth for values in self.space])
        self.tuned = {arm: _tuned(reading, arm, task, optimizer) for arm in study.arms if optimizer in study.optimizers_of(arm)}
        self.failed = sum(Runs(reading, arm, self.item).failed('tune') for arm in self.tuned)

    def rates(self, units: np.ndarray) -> np.ndarray:
        return rounded([self.space[self.place].value(float(unit)) for unit in units])

    def shown(self, scores: np.ndarray) -> np.ndarray:
        return rounded([scaled(self.item.sign * score, self.item.metric) for score in scores])

    @property
    def scores(self) -> list[float]:
        return [score for replicates in self.tuned.values() for _, scores in replicates for score in scores]

    @property
    def selected(self) -> list[float]:
        """The scores expected at the selected points with this optimizer, which may lie above every run."""
        points = [point for (_, task, _), point in self.schedule.selections.items() if task == self.item.name]
        return [point.score for point in points if point is not None and point.optimizer == self.optimizer]

    def draw(self, axes, styles: dict, all_scores: list[float]) -> None:
        """Draw on `axes`; `all_scores` holds the scores of all panels with the same scale."""
        self.axes = axes
        axes.set_xscale(self.space[self.place].scale)
        self._limits(all_scores)
        for place, (arm, replicates) in enumerate(self.tuned.items()):
            self._arm(place, arm, replicates, *styles[arm])
        self._edges()
        axes.xaxis.set_major_formatter(FuncFormatter(plain_number))
        if self.space[self.place].scale == 'log':
            low, high = axes.get_xlim()
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 3) if high < 300 * low else (1,), numticks=12))
            axes.xaxis.set_minor_locator(NullLocator())

    def _limits(self, all_scores: list[float]) -> None:
        """The limits, from the best score to the worst or somewhat below chance, with a strip for diverged runs at that end."""
        finite = [score for score in all_scores if math.isfinite(score)]
        chance = self.item.sign * self.item.chance
        best = max([*finite, *self.selected], default=chance + abs(chance))
        self.floor = max(min(finite, default=chance), chance - BELOW * abs(best - chance))
        lost, room = len(finite) < len(all_scores), max(best - self.floor, 1e-3 * abs(best), 1e-9)
        low, edge, high = self.floor - room * (0.24 if lost else 0.06), self.floor - 0.06 * room, best + 0.06 * room
        ends = self.shown(np.array([low, edge, self.floor, best, high]))
        self.axes.set_ylim(*sorted(ends[[0, 4]]))
        self.up = self.item.sign > 0
        inner = sorted(ends[[1, 4]])
        ticks = [tick for tick in MaxNLocator(5).tick_values(*inner) if inner[0] <= tick <= inner[1]]
        labels = [plain_number(float(f'{tick:.6g}')) for tick in ticks]
        if not any(math.isfinite(score) for score in self.scores):
            words = 'every run diverged' if self.scores else 'every run failed' if self.failed else 'no run recorded yet'
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
            draw_line(axes, rates[finite], values, ls='', marker=marker, ms=2.6, mew=0, color=colour, alpha=0.4, zorder=2)
            row = 0.012 + 0.115 * (place + 0.5) / len(self.tuned)
            rows = np.full(int((~finite).sum()), row if self.up else 1 - row)
            across = axes.get_xaxis_transform()
            draw_line(axes, rates[~finite], rounded(rows), ls='', marker='x', ms=2.8, mew=0.7, color=colour, transform=across)
        order = [self.place, *(dim for dim in range(len(self.space)) if dim != self.place)]
        curve = profile(
            [(units[:, order], scores) for units, scores in replicates],
            self.smooth[order],
        )
        if curve is not None:
            draw_line(axes, self.rates(curve.rates), self.shown(curve.scores), color=colour, zorder=3)
        for replicate in range(self.study.replicates):
            chosen = self.schedule.selections.get((arm, self.item.name, replicate))
            if chosen is not None and chosen.optimizer == self.optimizer:
                at = rounded([dict(chosen.knobs)['lr']]), self.shown(np.array([max(chosen.score, self.floor)]))
                draw_line(axes, *at, ls='', marker=marker, ms=4.8, mew=0.7, mec='black', mfc=colour, zorder=4)

    def _edges(self) -> None:
        """Draw the ends of the study's own range, and the furthest rates of an extension."""
        values = self.space[self.place]
        all_units = [unit for replicates in self.tuned.values() for units, _ in replicates for unit in units[:, self.place]]
        # First of all: an axis that nothing is drawn on yet has no limits that a line could fit into.
        low, high = min([0.0, *all_units]) - 0.04, max([1.0, *all_units]) + 0.04
        self.axes.set_xlim(*self.rates([low, high]))
        for rate in (values.low, values.high):
            self.axes.axvline(rate, color='black', linestyle=':', linewidth=0.9, zorder=1)
        for unit in {min(all_units, default=0.0), max(all_units, default=1.0)}:
            if not -1e-6 <= unit <= 1 + 1e-6:
                self.axes.axvline(self.rates([unit])[0], color='black', linestyle=':', linewidth=0.6, alpha=0.6, zorder=1)


def lr_figure(reading: Reading, findings: list[Finding]) -> Figure:
    """What each arm scores over the learning rates, by task and optimizer. Every tuning run is a point, a diverged one a
    cross; the line is the surface fitted to all replicates, at its best weight decay; large marks are the rates that the
    replicates selected. Dotted: the range of the study, and fainter how far an extension went.

    A point far below chance is drawn at the floor.
    """
    study = reading.study
    styles = palette(list(study.arms))
    alone = len(study.tune) == 1
    handles = arm_handles(styles)
    selected = dict(marker='o', markersize=5.5, markerfacecolor='white', markeredgecolor='black', markeredgewidth=0.8)
    handles += [
        Line2D([], [], linestyle='', **selected, label='selected, one a replicate'),
        Line2D([], [], linestyle='', marker='x', markersize=3.5, color='black', label='diverged'),
    ]
    with house():
        # With one optimizer tasks stand side by side, with more a task has a row of its own.
        columns = 2 if alone else len(study.tune)
        figure, cells = grid(len(study.tasks) * len(study.tune), handles, 2.4 if alone else 2.15, columns)
        for place, item in enumerate(study.tasks):
            line = cells[place * len(study.tune) : (place + 1) * len(study.tune)]
            panels = [_RatePanel(reading, item.name, optimizer) for optimizer in study.tune]
            for axes, panel in zip(line, panels, strict=True):
                panel.draw(axes, styles, [score for other in panels for score in other.scores])
                axes.set_title(f'{item.name}, {panel.optimizer}')
                axes.tick_params(labelleft=axes is line[0])
                if alone or item is study.tasks[-1]:
                    axes.set_xlabel('learning rate')
            line[0].set_ylabel(axis_label(item, 'tuning'))
        figure.align_ylabels()
    return figure
