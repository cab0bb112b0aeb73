"""Sensitivity: the mean loss of an arm over the range of learning rates (Wortsman et al., 2309.14322)."""

import dataclasses
import math

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
    finite = np.isfinite(losses)
    if not finite.any():
        return None
    capped = np.minimum(np.where(finite, losses, np.inf), initial)
    fitted = -fitted_bests([(units, np.where(finite, -capped, -np.inf), smooth)])[0]
    return float(capped.mean() - min(max(fitted, float(capped.min())), float(capped.mean())))


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


def sensitivity_of(runs: Runs, optimizer: str, replicate: int) -> tuple[float | None, int]:
    """The sensitivity of one replicate, and how many of its runs failed before they had a loss."""
    trials = runs.tuned_alike(optimizer, replicate) or []
    pairs = [(trial, record) for trial, record in zip(trials, runs.records_of(trials), strict=True)]
    known = [(trial, record) for trial, record in pairs if record.get('initial_loss') is not None]
    if not known:
        return None, len(pairs)
    losses = [math.inf if record.get('final_loss') is None else record['final_loss'] for _, record in known]
    initial = np.array([record['initial_loss'] for _, record in known], float)
    smooth = [values.smooth for values in runs.reading.study.space(runs.arm, optimizer).values()]
    units = runs.units([trial for trial, _ in known])
    return lr_sensitivity(units, np.array(losses, float), initial, smooth), len(pairs) - len(known)


def _sensitivity(runs: Runs, optimizer: str) -> Sensitivity | None:
    made = [sensitivity_of(runs, optimizer, replicate) for replicate in runs.replicates]
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
    made = []
    for task in study.tasks:
        for optimizer in study.tune:
            of_arms = [_sensitivity(Runs(reading, arm, task), optimizer) for arm in study.arms]
            made += [one for one in of_arms if one is not None]
    return made
