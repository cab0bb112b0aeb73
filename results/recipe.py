"""Recipe: the selected optimizer and values of an arm, as plain data."""

import collections
import itertools

from ablations.batches import TUNED
from ablations.schedules import value_text
from ablations.tasks import Task
from ablations.trial import Schedule
from results.store.reading import Reading

NOTHING = 'every tuning run diverged or failed'


def recipe(reading: Reading, arm: str) -> dict:
    """{task: {model, steps, batch, replicates: [{replicate, optimizer, knobs, score, how}]}} of an arm.

    `steps` are the arm's own, which differ from the task's with matched compute. A tuned batch stands among the knobs, with as
    many steps of it as make the same examples (with matched compute rounded to whole evaluations). Tasks whose tuning is not
    over are left out. A replicate whose tuning runs all diverged or failed has optimizer None; with a screening it has the
    `trials` of each one.
    Raises ValueError on an unknown arm.
    """
    study = reading.study
    recipes = {}
    for task in study.tasks:
        model = study.model(arm, task.name)
        selected = {r: s for (a, t, r), s in reading.schedule.selections.items() if (a, t) == (arm, task.name)}
        if not selected:
            continue
        replicates = []
        for replicate, point in sorted(selected.items()):
            if point is None:
                replicates.append({'replicate': replicate, 'optimizer': None, 'knobs': {}, 'score': None, 'how': NOTHING})
                continue
            score = float(f'{task.sign * point.score:.6g}')
            knobs = {**study.fixed_of(arm), **dict(point.knobs)}
            replicates.append(
                {'replicate': replicate, 'optimizer': point.optimizer, 'knobs': knobs, 'score': score, 'how': point.how}
            )
            if study.screening:
                tuned = reading.schedule.asked['tune', study.base if study.recipe == 'same' else arm, task.name, replicate]
                replicates[-1]['trials'] = dict(collections.Counter(trial.program.optimizer for trial in tuned))
        steps = _steps(reading.schedule, arm, task)
        recipes[task.name] = {'model': model, 'steps': steps, 'batch': task.batch, 'replicates': replicates}
    return recipes


def _steps(schedule: Schedule, arm: str, task: Task) -> int:
    """The steps of an arm's runs of the task's own batch; where it has none, as many as make the examples of another."""
    asked = (trials for (_, owner, name, _), trials in schedule.asked.items() if (owner, name) == (arm, task.name))
    own = [trial.program for trial in itertools.chain.from_iterable(asked)]
    first = next((program for program in own if program.batch == task.batch), next(iter(own), None))
    return task.steps if first is None else first.steps * first.batch // task.batch


def in_words(arm: str, facts: dict) -> list[str]:
    """A recipe as lines of text."""
    if not facts:
        return [f'{arm}: nothing is selected yet; the tuning of no task is over']
    lines = []
    for task, fact in facts.items():
        tuned = any(TUNED in point['knobs'] for point in fact['replicates'])
        examples = f', or as many as make {fact["steps"] * fact["batch"]:,} examples' if tuned else ''
        lines.append(f'{task}  {fact["steps"]} steps of {fact["batch"]}{examples}')
        for point in fact['replicates']:
            if point['optimizer'] is None:
                lines.append(f'  replicate {point["replicate"]}: none, {point["how"]}')
                continue
            knobs = ', '.join(f'{name} {value_text(name, value)}' for name, value in point['knobs'].items())
            tried = ''.join(f', {count} trials of {optimizer}' for optimizer, count in point.get('trials', {}).items())
            lines.append(f'  replicate {point["replicate"]}: {point["optimizer"]}  {knobs}  ({point["how"]}{tried})')
    return lines
