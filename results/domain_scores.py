"""Domain scores: what each domain of a task scores by itself, and how far an arm differs from its reference there."""

import dataclasses

import numpy as np

from ablations.tasks import Task
from results.runs import Runs
from results.statistics import mean_interval, within
from results.store.reading import Reading

LEVEL = 0.95


@dataclasses.dataclass(frozen=True)
class DomainScore:
    """The score of an arm on one domain of a task, in the task's unit; no verdict rests on it.

    value   the mean over replicates of the means of their confirmation runs that did not diverge, with its 95 % interval
    effect  the mean difference to the reference over the replicates that both have, in the good direction, with its 95 %
            interval (paired Student); None for the base and without a common replicate
    """

    arm: str
    task: str
    domain: str
    value: float
    interval: tuple[float, float] | None
    effect: float | None = None
    effect_interval: tuple[float, float] | None = None


def domain_scores(reading: Reading) -> list[DomainScore]:
    """The scores of all arms on all domains, task by task; tasks without domains have none."""
    made, study = [], reading.study
    for task in study.tasks:
        by_arm = {arm: _by_replicate(Runs(reading, arm, task)) for arm in study.arms}
        for arm, own in by_arm.items():
            made += _scores(arm, task, own, {} if arm == study.base else by_arm[study.reference(arm)])
    return made


def _by_replicate(runs: Runs) -> dict[int, dict[str, float]]:
    """{replicate: {domain: mean over confirmation runs}}, of replicates that have such a run."""
    made = {}
    for replicate in runs.replicates:
        told = [r['parts'] for r in runs.records_of(runs.asked('confirm', replicate)) if r['status'] == 'ok' and r.get('parts')]
        if told:
            made[replicate] = {name: float(np.mean([parts[name] for parts in told])) for name in told[0]}
    return made


def _scores(arm: str, task: Task, own: dict, other: dict) -> list[DomainScore]:
    made = []
    for domain in next(iter(own.values()), {}):
        values = np.array([parts[domain] for parts in own.values()])
        differences = task.sign * np.array([own[r][domain] - other[r][domain] for r in own if r in other])
        effect = (float(differences.mean()), mean_interval(differences, LEVEL)) if len(differences) else ()
        interval = within(mean_interval(values, LEVEL), task.metric)
        made.append(DomainScore(arm, task.name, domain, float(values.mean()), interval, *effect))
    return made
