"""Regret: how far the selected point lies below the best point, in a real study, where the truth is not known.

The other replicates stand in for the truth: a surface through all their tuning trials of the arm, task and optimizer. The
replicate has seen none of these trials. On that surface its selected point is compared with the best trial of its tuning.
"""

import dataclasses

import numpy as np

from results.rounding import plain
from results.runs import Runs
from results.statistics import mean_interval
from results.store.reading import Reading
from results.surface import best, fit

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


def _case(reading: Reading, runs: Runs, replicate: int) -> tuple[float, float] | None:
    """Regret of the selected point and of the best trial of a replicate; None where they cannot be compared."""
    study = reading.study
    chosen = runs.selection(replicate)
    tuned = {optimizer: runs.tuned(optimizer, replicate) for optimizer in study.tune}
    if chosen is None or any(trials is None for trials in tuned.values()):
        return None
    tops = {optimizer: runs.scores(trials, -np.inf) for optimizer, trials in tuned.items()}
    optimizer = max(tops, key=lambda name: tops[name].max())
    if optimizer != chosen.optimizer or not np.isfinite(tops[optimizer].max()):
        return None
    units, scores = [], []
    for other in runs.replicates:
        trials = runs.tuned(optimizer, other)
        if other == replicate or trials is None:
            continue
        seen = runs.scores(trials, -np.inf)
        finite = np.isfinite(seen)
        if finite.any():
            # What a data split adds is the same for all trials of a replicate.
            units.append(runs.units(trials)[finite])
            scores.append(seen[finite] - np.median(seen[finite]))
    if not units:
        return None
    units, scores = np.concatenate(units), np.concatenate(scores)
    smooth = np.array([values.smooth for values in study.space(runs.arm, optimizer).values()])
    surface = fit(units, scores, smooth)
    if surface is None:
        return None
    top = best(surface, units.min(0), units.max(0))[1]
    tried = runs.units(tuned[optimizer])[int(tops[optimizer].argmax())]
    values = surface.mean(np.stack([np.array(chosen.unit), tried]))
    return tuple(float(top - value) for value in values)


def regrets(reading: Reading) -> list[Regret]:
    """One regret for each task with tunings that are recorded and comparable."""
    study = reading.study
    made = []
    for task in study.tasks:
        cases, by_replicate = [], []
        all_runs = {arm: Runs(reading, arm, task) for arm in study.arms}
        for replicate in range(study.replicates):
            own = [case for runs in all_runs.values() if (case := _case(reading, runs, replicate)) is not None]
            cases += own
            if own:
                by_replicate.append(float(np.mean([tried - chosen for chosen, tried in own])))
        if cases:
            means = np.mean(cases, axis=0)
            interval = mean_interval(np.array(by_replicate), LEVEL)
            gain = float(means[1] - means[0])
            made.append(Regret(task.name, task.metric, task.unit, *map(float, means), gain, interval, len(cases)))
    return made
