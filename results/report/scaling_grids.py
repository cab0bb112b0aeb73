"""Scaling grids: how errors fall with size, and where lines cross, as tables of a page."""

from collections.abc import Mapping, Sequence

from ablations.tasks import Task
from results.figures.ladder import ladders
from results.pages import grid
from results.scaling import Scaling, scaling_of
from results.store.reading import Reading
from results.tables import DASH, MINUS, count

NOTES = (
    'Exponent b of error = a × size^−b, fitted to every replicate, with its 95 % interval over them. It describes the sizes '
    'that were tried, and is no claim of the study.',
)


def of_ladders(reading: Reading) -> list[Scaling]:
    """The scaling on each task that a study has at several sizes of its base."""
    made = [scaling_of(name, [_step(reading, task) for task in rungs]) for name, rungs in ladders(reading.study).items()]
    return [one for one in made if one is not None]


def of_rungs(rungs: Mapping[str, Reading]) -> list[Scaling]:
    """The scaling on each task over the rungs of a flagship, from the smallest up."""
    first = next(iter(rungs.values())).study
    made = [
        scaling_of(task.name, [_step(reading, reading.study.task(task.name)) for reading in rungs.values()])
        for task in first.tasks
    ]
    return [one for one in made if one is not None]


def _step(reading: Reading, task: Task) -> tuple[Reading, Task, float]:
    costs = reading.manifest.get('costs', {}).get(reading.study.base, {})
    return reading, task, float(costs.get(task.name, {}).get('params') or 0)


def scaling_grids(scalings: Sequence[Scaling]) -> list[dict]:
    """A table of exponents, and one of crossings where any is told; no table without a law."""
    if not scalings:
        return []
    laws = [
        [
            law.arm,
            one.task,
            *(f'{error:.4g}' for error in (law.errors[0], law.errors[-1])),
            *_exponent(law.exponent, law.interval),
        ]
        + [DASH if law.bent is None else 'yes' if law.bent else 'not shown']
        for one in scalings
        for law in one.laws
    ]
    lines = [
        [
            own.arm,
            own.base,
            one.task,
            own.before,
            count(own.size),
            f'{count(own.interval[0])} to {count(own.interval[1])}',
            'yes' if own.tried else 'no: it is extrapolated',
        ]
        for one in scalings
        for own in one.crossings
    ]
    sizes = ', '.join(dict.fromkeys(count(size) for one in scalings for size in one.sizes))
    made = [
        grid(
            f'How the error of each arm falls with the parameters of the base ({sizes})',
            'arm:word, task:word, error at the smallest, at the largest, exponent, 95 % interval, bent:word',
            laws,
            list(NOTES),
        )
    ]
    if lines:
        columns = 'arm:word, against:word, task:word, better below:word, they cross at, 95 % interval, among the sizes:word'
        made.append(grid('Where the lines of two arms cross', columns, lines))
    return made


def _exponent(value: float, interval: tuple[float, float]) -> list[str]:
    return [_signed(value), f'[{_signed(interval[0])}, {_signed(interval[1])}]']


def _signed(value: float) -> str:
    return f'{value:.3f}'.replace('-', MINUS)
