"""Average scores: what moving averages of the weights score, beside the weights themselves; no verdict rests on them."""

import dataclasses

import numpy as np

from ablations.tasks import Task
from results.runs import Runs
from results.statistics import mean_interval, within
from results.store.reading import Reading

LEVEL = 0.95


@dataclasses.dataclass(frozen=True)
class AverageScore:
    """What an arm's averaged weights score on a task, in the task's unit, by the confirmation runs that did not diverge.

    value    the mean over replicates, with its 95 % interval (Student)
    weights  the same of the weights themselves
    gain     the mean difference of the two, in the good direction, with its 95 % interval
    """

    arm: str
    task: str
    value: float
    interval: tuple[float, float] | None
    weights: float
    gain: float
    gain_interval: tuple[float, float] | None


def average_scores(reading: Reading) -> list[AverageScore]:
    """The scores of averaged weights of all arms that have such runs, task by task."""
    made = [_of(Runs(reading, arm, task), arm, task) for task in reading.study.tasks for arm in reading.study.arms]
    return [one for one in made if one is not None]


def _of(runs: Runs, arm: str, task: Task) -> AverageScore | None:
    both = []
    for replicate in runs.replicates:
        # Curves are read for those runs alone that have averages, since of a large study that takes long.
        asked = [trial for trial in runs.asked('confirm', replicate) if 'ema' in dict(trial.knobs)]
        told = [record for record in (runs.whole_records_of(asked) if asked else ()) if record['status'] == 'ok']
        pairs = [(record['curve'].get('score_average', [None])[-1], record['score']) for record in told]
        pairs = [pair for pair in pairs if None not in pair]
        both += [np.mean(pairs, 0)] if pairs else []
    if not both:
        return None
    averaged, weights = np.transpose(both)
    gains = task.sign * (averaged - weights)
    interval = within(mean_interval(averaged, LEVEL), task.metric)
    told = float(averaged.mean()), interval, float(weights.mean()), float(gains.mean()), mean_interval(gains, LEVEL)
    return AverageScore(arm, task.name, *told)
