"""Domain grids: what each domain of a task scores by itself, as tables of a page."""

from ablations.tasks import Task
from ablations.tasks.metrics import is_share
from results.domain_scores import DomainScore, domain_scores
from results.pages import grid
from results.store.reading import Reading
from results.tables import DASH
from results.tables.words import estimate

NOTES = [
    'Mean of each domain over replicates, and the difference to the reference of the arm, above 0 better, each with its 95 % '
    'interval. No verdict rests on them: the score of the task is the mean of its domains.'
]


def domain_grids(reading: Reading) -> list[dict]:
    """A table for each task with domains that has confirmed runs."""
    by_task: dict[str, list[DomainScore]] = {}
    for one in domain_scores(reading):
        by_task.setdefault(one.task, []).append(one)
    return [_grid(reading.study.task(name), told) for name, told in by_task.items()]


def _grid(task: Task, told: list[DomainScore]) -> dict:
    rows = [[one.domain, one.arm, estimate(one.value, one.interval, task.metric), _effect(one, task)] for one in told]
    rows.sort(key=lambda row: [one.domain for one in told].index(row[0]))
    unit = 'in %, and points' if is_share(task.metric) else f'in {task.unit}'
    return grid(f'{task.name}: domain by domain, {unit}', 'domain:word, arm:word, score, difference', rows, NOTES)


def _effect(one: DomainScore, task: Task) -> str:
    return DASH if one.effect is None else estimate(one.effect, one.effect_interval, task.metric, True)
