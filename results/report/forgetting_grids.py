"""Forgetting grids: what is left of domains that were taught in turn, as tables of a page."""

from ablations.tasks import Task
from ablations.tasks.metrics import is_share
from results.forgetting import Forgetting, forgetting
from results.pages import grid
from results.store.reading import Reading
from results.tables import DASH, number
from results.tables.words import estimate

NOTES = [
    'Each domain is scored at the end of its turn, and at the end of the run. Backward transfer is the mean change in between, '
    'forward transfer that of a domain before its turn, since the start; above 0 is good (1706.08840). Intervals are 95 % over '
    'replicates; no claim of the study.'
]


def forgetting_grids(reading: Reading) -> list[dict]:
    """A table for each task whose domains are taught in turn and that has confirmed runs."""
    by_task: dict[str, list[Forgetting]] = {}
    for one in forgetting(reading):
        by_task.setdefault(one.task, []).append(one)
    return [_grid(reading.study.task(name), told) for name, told in by_task.items()]


def _grid(task: Task, told: list[Forgetting]) -> dict:
    domains = list(dict.fromkeys(name for one in told for name in one.domains))
    rows = []
    for one in told:
        scores = {name: (learned, last) for name, learned, last in zip(one.domains, one.learned, one.last, strict=True)}
        cells = [_both(*scores[name], task) if name in scores else DASH for name in domains]
        transfers = ((one.backward, one.backward_interval), (one.forward, one.forward_interval))
        rows.append([one.arm, *cells, *(estimate(*transfer, task.metric, True) for transfer in transfers)])
    columns = ', '.join(['arm:word', *domains, 'backward transfer', 'forward transfer'])
    unit = '%, and points' if is_share(task.metric) else task.unit
    return grid(f'{task.name}: what is left of each domain, in {unit}', columns, rows, NOTES)


def _both(learned: float, last: float, task: Task) -> str:
    return f'{number(learned, task.metric)} → {number(last, task.metric)}'
