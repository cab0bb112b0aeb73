"""Forgetting: what is left of domains that were taught one after the other, and what the first ones give to those that follow.

Backward and forward transfer are those of 1706.08840 (section 3), here between points of a run's curve.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from ablations.tasks import Task
from results.runs import Runs
from results.statistics import mean_interval
from results.store.reading import Reading

LEVEL = 0.95


@dataclasses.dataclass(frozen=True)
class Forgetting:
    """What an arm forgets on a task; scores are in the task's unit, means over confirmation runs.

    domains   in the order of the first run's turns
    learned   the score of each domain at the first evaluation at or after the end of its turn
    last      its score at the end of the run
    backward  the mean of last minus learned over all domains but the one taught last, in the good direction: below 0 is
              forgotten; with its 95 % interval over replicates (Student), None with one replicate
    forward   the mean of the score at the last evaluation before a domain's turn minus that at the start, over all domains
              but the one taught first, in the good direction
    runs      how many runs they rest on; those that diverged are left out
    """

    arm: str
    task: str
    domains: tuple[str, ...]
    learned: tuple[float, ...]
    last: tuple[float, ...]
    backward: float
    backward_interval: tuple[float, float] | None
    forward: float
    forward_interval: tuple[float, float] | None
    runs: int


def transfers(turns: Mapping[str, Mapping], steps: Sequence[int], sign: int) -> dict:
    """Of one run: scores `learned` and `last` by domain, and its `backward` and `forward` transfer.

    `turns` are those of its record, in their order, and `steps` those of the points of its curve.

    >>> turns = {'a': {'first': 0, 'end': 2, 'scores': [0, 8, 5]}, 'b': {'first': 2, 'end': 4, 'scores': [0, 1, 9]}}
    >>> transfers(turns, [0, 2, 4], sign=1)
    {'learned': {'a': 8, 'b': 9}, 'last': {'a': 5, 'b': 9}, 'backward': -3.0, 'forward': 1.0}
    """
    names, steps = list(turns), np.asarray(steps)
    at_end = {name: turns[name]['scores'][int(np.argmax(steps >= turns[name]['end']))] for name in names}
    last = {name: turns[name]['scores'][-1] for name in names}
    before = {name: turns[name]['scores'][int(np.flatnonzero(steps <= turns[name]['first'])[-1])] for name in names}
    backward = [sign * (last[name] - at_end[name]) for name in names[:-1]]
    forward = [sign * (before[name] - turns[name]['scores'][0]) for name in names[1:]]
    return {'learned': at_end, 'last': last, 'backward': float(np.mean(backward)), 'forward': float(np.mean(forward))}


def forgetting(reading: Reading) -> list[Forgetting]:
    """What each arm forgets on each task that teaches its domains in turn, of the arms that have a confirmed run."""
    made = [_of(reading, arm, task) for task in reading.study.tasks if taught_in_turn(task) for arm in reading.study.arms]
    return [one for one in made if one is not None]


def taught_in_turn(task: Task) -> bool:
    return task.data.get('lessons') == 'in_turn'


def _of(reading: Reading, arm: str, task: Task) -> Forgetting | None:
    runs, replicates = Runs(reading, arm, task), []
    for replicate in runs.replicates:
        records = runs.whole_records_of(runs.asked('confirm', replicate))
        own = [transfers(one['turns'], one['curve']['step'], task.sign) for one in records if one['status'] == 'ok']
        replicates += [own] if own else []
    if not replicates:
        return None
    every_run = [one for own in replicates for one in own]
    domains = tuple(every_run[0]['learned'])

    def means(what: str) -> tuple[float, ...]:
        return tuple(float(np.mean([one[what][name] for one in every_run])) for name in domains)

    def over_replicates(what: str) -> tuple[float, tuple[float, float] | None]:
        values = np.array([np.mean([one[what] for one in own]) for own in replicates])
        return float(values.mean()), mean_interval(values, LEVEL)

    return Forgetting(
        arm,
        task.name,
        domains,
        means('learned'),
        means('last'),
        *over_replicates('backward'),
        *over_replicates('forward'),
        len(every_run),
    )
