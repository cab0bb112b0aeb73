"""Average grids: what moving averages of the weights score, as tables of a page."""

from ablations.tasks.metrics import is_share
from results.average_scores import AverageScore, average_scores
from results.pages import grid
from results.store.reading import Reading
from results.tables import number
from results.tables.words import estimate

NOTES = [
    'The score of the moving average of the weights (`ema`) at the end of the confirmation runs, that of the weights '
    'themselves, and the difference, above 0 better; means over replicates with 95 % intervals. No verdict rests on them.'
]


def average_grids(reading: Reading) -> list[dict]:
    """A table for each task on which some arm has averages of its weights."""
    by_task: dict[str, list[AverageScore]] = {}
    for one in average_scores(reading):
        by_task.setdefault(one.task, []).append(one)
    made = []
    for name, told in by_task.items():
        task = reading.study.task(name)
        rows = [
            [
                one.arm,
                estimate(one.value, one.interval, task.metric),
                number(one.weights, task.metric),
                estimate(one.gain, one.gain_interval, task.metric, True),
            ]
            for one in told
        ]
        unit = '%, and points' if is_share(task.metric) else task.unit
        made.append(grid(f'{name}: averaged weights, in {unit}', 'arm:word, average, weights, difference', rows, NOTES))
    return made
