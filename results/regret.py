"""Regret: how far the selected point lies below the best point, in a real study, where the truth is not known.

The other replicates stand in for the truth: a surface through all their tuning trials of the arm, task and optimizer. The
replicate has seen none of these trials. On that surface its selected point is compared with the best trial of its tuning.
"""

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from ablations.trial import Trial
from results.optimum import bests
from results.rounding import plain
from results.runs import Runs
from results.selection import Selected, select
from results.statistics import mean_interval
from results.store.reading import Reading
from results.surface import Trials, fit, fits

LEVEL = 0.95


@dataclasses.dataclass(frozen=True)
class Regret:
    """Mean over arms and replicates of a task, in the metric's unit, of how far below the best of the others' surface lie

    selected     the point that was selected
    best_trial   the best trial of the same tuning
    gain         `best_trial` minus `selected`, with `interval` (95 % over replicates, each a mean over arms)
    cases        arms and replicates that count; those with two different optimizers are left out
    """

    task: str
    metric: str
    unit: str
    selected: float
    best_trial: float
    gain: float
    interval: tuple | None
    cases: int

    def to_dict(self) -> dict:
        """Plain data, numbers rounded to six significant digits."""
        return plain(self)


@dataclasses.dataclass(frozen=True)
class _Case:
    """The selected point and the best trial of a replicate, in units, and the other replicates' trials that judge them."""

    points: np.ndarray
    others: Trials


def _case(reading: Reading, runs: Runs, replicate: int) -> _Case | None:
    """A replicate to judge; None where its point and its best trial cannot be compared."""
    chosen = runs.selection(replicate)
    tuned = {optimizer: runs.tuned(optimizer, replicate) for optimizer in reading.study.optimizers_of(runs.arm)}
    if chosen is None or any(trials is None for trials in tuned.values()):
        return None
    tops = {optimizer: runs.scores(trials, -np.inf) for optimizer, trials in tuned.items()}
    optimizer = max(tops, key=lambda name: tops[name].max())
    if optimizer != chosen.optimizer or not np.isfinite(tops[optimizer].max()):
        return None
    others = _others(runs, replicate, optimizer, lambda other, seen: float(np.median(seen[np.isfinite(seen)])))
    tried = runs.units(tuned[optimizer])[int(tops[optimizer].argmax())]
    return None if others is None else _Case(np.stack([np.array(chosen.unit), tried]), others)


def _judged(cases: list[_Case]) -> list[tuple[float, float] | None]:
    """Regret of the selected point and of the best trial of each case; None without a surface of the others."""
    surfaces = fits([case.others for case in cases])
    fitted = [place for place, surface in enumerate(surfaces) if surface is not None]
    ends = [(cases[place].others[0].min(0), cases[place].others[0].max(0)) for place in fitted]
    tops = bests([surfaces[place] for place in fitted], *zip(*ends, strict=True)) if fitted else []
    judged: list[tuple[float, float] | None] = [None] * len(cases)
    for place, (_, top) in zip(fitted, tops, strict=True):
        judged[place] = tuple(float(top - value) for value in surfaces[place].mean(cases[place].points))
    return judged


def _others(runs: Runs, replicate: int, optimizer: str, level: Callable[[int, np.ndarray], float]) -> Trials | None:
    """An optimizer's tuning trials of all other replicates, those that did not diverge; None without any.

    `level` is taken off the scores of a replicate, because its data split adds the same to all its trials.
    """
    units, scores = [], []
    for other in runs.replicates:
        trials = runs.tuned(optimizer, other)
        if other == replicate or trials is None:
            continue
        seen = runs.scores(trials, -np.inf)
        finite = np.isfinite(seen)
        if finite.any():
            units.append(runs.units(trials)[finite])
            scores.append(seen[finite] - level(other, seen))
    if not units:
        return None
    smooth = np.array([values.smooth for values in runs.reading.study.space(runs.arm, optimizer).values()])
    return np.concatenate(units), np.concatenate(scores), smooth, None


def losses_of_half(reading: Reading) -> dict[str, float | None]:
    """By task, the loss of the point from half of the tuning trials against the point from all of them.

    A mean over arms and replicates, in the metric's unit, not below 0; None where nothing can be compared. Both points are
    judged by the other replicates, as in `regrets`. What a tuning loses falls about as the number of its trials rises (in the
    declared worlds by 0.5 to 0.7 with twice the trials), so the same amount is about what all of the trials still lose.
    """
    losses = {}
    for task in reading.study.tasks:
        runs_of_arms = [Runs(reading, arm, task) for arm in reading.study.arms]
        known = [_loss_of_half(runs, replicate) for runs in runs_of_arms for replicate in runs.replicates]
        cases = [loss for loss in known if loss is not None]
        losses[task.name] = max(float(np.mean(cases)), 0.0) if cases else None
    return losses


def _loss_of_half(runs: Runs, replicate: int) -> float | None:
    """How much worse a replicate's point is by half of its trials; None where others cannot judge it."""
    chosen = runs.selection(replicate)
    tuned = {optimizer: runs.tuned(optimizer, replicate) for optimizer in runs.reading.study.optimizers_of(runs.arm)}
    if chosen is None or any(trials is None for trials in tuned.values()):
        return None
    half = _selected(runs, {optimizer: _half(trials) for optimizer, trials in tuned.items()})
    if half is None:
        return None
    if half == chosen:
        return 0.0
    worths = []
    for point in (chosen, half):
        others = _others(runs, replicate, point.optimizer, lambda other, _: _level(runs, other))
        surface = None if others is None else fit(*others)
        if surface is None:
            return None
        worths.append(float(surface.mean(np.array(point.unit)[None])[0]))
    return worths[0] - worths[1]


def _half(trials: list[Trial]) -> list[Trial]:
    """The first half of the trials before the rounds that may extend ranges, and of those rounds."""
    parts = [[trial for trial in trials if trial.extends == late] for late in (False, True)]
    return [trial for part in parts for trial in part[: (len(part) + 1) // 2]]


def _selected(runs: Runs, tuned: Mapping[str, list[Trial]]) -> Selected | None:
    """The point that these trials select."""
    measured = {optimizer: (runs.units(trials), runs.scores(trials, -np.inf)) for optimizer, trials in tuned.items()}
    return select(measured, {optimizer: runs.reading.study.space(runs.arm, optimizer) for optimizer in tuned})


def _level(runs: Runs, replicate: int) -> float:
    """The middle score of a replicate over all optimizers, so that their surfaces can be compared."""
    seen = runs.scores(runs.asked('tune', replicate), np.nan)
    return float(np.nanmedian(seen)) if np.isfinite(seen).any() else 0.0


def regrets(reading: Reading) -> list[Regret]:
    """One regret for each task with tunings that are recorded and comparable."""
    study = reading.study
    made = []
    for task in study.tasks:
        cases, by_replicate = [], []
        all_runs = [Runs(reading, arm, task) for arm in study.arms]
        asked = {(number, runs.arm): _case(reading, runs, number) for number in range(study.replicates) for runs in all_runs}
        asked = {row: case for row, case in asked.items() if case is not None}
        judged = dict(zip(asked, _judged(list(asked.values())), strict=True))
        for replicate in range(study.replicates):
            own = [case for (number, _), case in judged.items() if number == replicate and case is not None]
            cases += own
            if own:
                by_replicate.append(float(np.mean([tried - chosen for chosen, tried in own])))
        if cases:
            means = np.mean(cases, axis=0)
            interval = mean_interval(np.array(by_replicate), LEVEL)
            gain = float(means[1] - means[0])
            made.append(Regret(task.name, task.metric, task.unit, *map(float, means), gain, interval, len(cases)))
    return made
