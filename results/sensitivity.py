"""Sensitivity: the mean loss of an arm over the range of learning rates (Wortsman et al., 2309.14322)."""

import dataclasses
import math

import numpy as np

from results.rounding import plain
from results.runs import Runs
from results.statistics import mean_interval
from results.store.reading import Reading

LEVEL = 0.95


def lr_sensitivity(losses: np.ndarray, initial: np.ndarray) -> float | None:
    """The mean of min(loss, loss at initialisation) over trials spread evenly in log learning rate, minus the best loss.

    Diverged trials count with their loss at initialisation. In nats; 0 where every rate of the range is equally good. None
    without trials.

    >>> round(lr_sensitivity(np.array([0.5, 0.3, np.nan]), initial=np.array([2.3, 2.3, 2.3])), 3)
    0.733
    """
    if len(losses) == 0:
        return None
    capped = np.minimum(np.where(np.isfinite(losses), losses, np.inf), initial)
    return float(capped.mean() - capped.min())


@dataclasses.dataclass(frozen=True)
class Sensitivity:
    """Learning-rate sensitivity of an arm on a task with one optimizer, in nats.

    replicates  one number for each, over all its tuning trials, because extensions search the same ranges for every arm
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


def _sensitivity(runs: Runs, optimizer: str) -> Sensitivity | None:
    values, left_out = [], 0
    for replicate in runs.replicates:
        tried = runs.records_of(runs.tuned(optimizer, replicate) or [])
        known = [record for record in tried if record.get('initial_loss') is not None]
        left_out += len(tried) - len(known)
        losses = [record['final_loss'] if record['final_loss'] is not None else math.inf for record in known]
        value = lr_sensitivity(np.array(losses, float), np.array([record['initial_loss'] for record in known], float))
        if value is not None:
            values.append(value)
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
        left_out=left_out,
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
