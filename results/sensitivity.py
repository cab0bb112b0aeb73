"""Sensitivity: the mean loss of an arm over the range of learning rates (Wortsman et al., 2309.14322)."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from results.rounding import plain
from results.runs import Runs
from results.selection import fitted_bests
from results.statistics import mean_interval
from results.store.reading import Reading

LEVEL = 0.95


def lr_sensitivity(units: np.ndarray, losses: np.ndarray, initial: np.ndarray, smooth: list[bool]) -> float | None:
    """The mean of min(loss, loss at initialisation) over trials spread evenly in log learning rate, minus the best loss.

    Diverged trials count with their loss at initialisation. The best loss is that of the surface fitted to the trials, because
    the luckiest of several noisy trials is better than any recipe. In nats; 0 where every rate is equally good. `[n, d]` units
    with the learning rate first, `[n]` losses; None without a trial that has a loss in the end.

    >>> units = np.linspace(0, 1, 8)[:, None]
    >>> losses = 0.3 + (units[:, 0] - 0.5) ** 2
    >>> round(lr_sensitivity(units, losses, np.full(8, 2.3), [True]), 2)
    0.1
    """
    return lr_sensitivities([(units, losses, initial, smooth)])[0]


def lr_sensitivities(asked: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray, list[bool]]]) -> list[float | None]:
    """The sensitivities of several sets of trials, each given as to `lr_sensitivity`; surfaces are fitted together."""
    trials, means, least = {}, {}, {}
    for place, (units, losses, initial, smooth) in enumerate(asked):
        finite = np.isfinite(losses)
        if finite.any():
            capped = np.minimum(np.where(finite, losses, np.inf), initial)
            means[place], least[place] = float(capped.mean()), float(capped.min())
            trials[place] = units, np.where(finite, -capped, -np.inf), smooth
    fitted = dict(zip(trials, fitted_bests(list(trials.values())), strict=True))
    lost = {place: mean - min(max(-fitted[place], least[place]), mean) for place, mean in means.items()}
    return [lost.get(place) for place in range(len(asked))]


@dataclasses.dataclass(frozen=True)
class Sensitivity:
    """Learning-rate sensitivity of an arm on a task with one optimizer, in nats.

    replicates  one number for each, over the tuning trials that every arm has of the optimizer: those of extensions too, which
                search the same ranges for every arm, without those that a screening gave to the better optimizer
    value       their mean, with its 95 % interval (Student), None with one replicate
    selected    number of replicates that selected this optimizer
    left_out    number of runs that failed before they had a loss
    """

    arm: str
    task: str
    optimizer: str
    replicates: tuple
    value: float
    interval: tuple | None
    selected: int
    left_out: int

    def to_dict(self) -> dict:
        """Plain data, numbers rounded to six significant digits."""
        return plain(self)


Measured = list[tuple[float | None, int]]
"""The sensitivity of each replicate, and how many of its runs failed before they had a loss."""


def measured(asked: Sequence[tuple[Runs, str]]) -> list[Measured]:
    """What is measured of each of some arms on a task with an optimizer; surfaces are fitted together."""
    parts = [[_trials(runs, optimizer, replicate) for replicate in runs.replicates] for runs, optimizer in asked]
    values = iter(lr_sensitivities([trials for own in parts for trials, _ in own if trials is not None]))
    return [[(None if trials is None else next(values), left_out) for trials, left_out in own] for own in parts]


def of_chosen(all_runs: Sequence[Runs]) -> list[float | None]:
    """The sensitivity of each arm with the optimizer that most of its replicates selected, averaged over replicates."""
    asked = {}
    for place, runs in enumerate(all_runs):
        chosen = [selected.optimizer for replicate in runs.replicates if (selected := runs.selection(replicate))]
        if chosen:
            asked[place] = runs, max(sorted(set(chosen)), key=chosen.count)
    lost = {}
    for place, made in zip(asked, measured(list(asked.values())), strict=True):
        values = [value for value, _ in made if value is not None]
        lost[place] = float(np.mean(values)) if values else None
    return [lost.get(place) for place in range(len(all_runs))]


def _trials(runs: Runs, optimizer: str, replicate: int) -> tuple[tuple | None, int]:
    """The trials of a replicate as `lr_sensitivity` takes them, None without any, and how many runs failed before a loss."""
    trials = runs.tuned_alike(optimizer, replicate) or []
    pairs = [(trial, record) for trial, record in zip(trials, runs.records_of(trials), strict=True)]
    known = [(trial, record) for trial, record in pairs if record.get('initial_loss') is not None]
    if not known:
        return None, len(pairs)
    losses = [math.inf if record.get('final_loss') is None else record['final_loss'] for _, record in known]
    initial = np.array([record['initial_loss'] for _, record in known], float)
    smooth = [values.smooth for values in runs.reading.study.space(runs.arm, optimizer).values()]
    units = runs.units([trial for trial, _ in known])
    return (units, np.array(losses, float), initial, smooth), len(pairs) - len(known)


def _sensitivity(runs: Runs, optimizer: str, made: Measured) -> Sensitivity | None:
    values = [value for value, _ in made if value is not None]
    if not values:
        return None
    chosen = [runs.selection(replicate) for replicate in runs.replicates]
    return Sensitivity(
        arm=runs.arm,
        task=runs.task.name,
        optimizer=optimizer,
        replicates=tuple(values),
        value=float(np.mean(values)),
        interval=mean_interval(np.array(values), LEVEL),
        selected=sum(one is not None and one.optimizer == optimizer for one in chosen),
        left_out=sum(left_out for _, left_out in made),
    )


def sensitivities(reading: Reading) -> list[Sensitivity]:
    """Sensitivities by task, optimizer and arm, for those with at least one replicate whose tuning is wholly recorded."""
    study = reading.study
    asked = [(Runs(reading, arm, task), name) for task in study.tasks for name in study.tune for arm in study.arms]
    made = [_sensitivity(*one, own) for one, own in zip(asked, measured(asked), strict=True)]
    return [one for one in made if one is not None]
