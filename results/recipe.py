"""Recipe: what to use, the selected values of an arm as plain data."""

from ablations.study import Study
from ablations.trial import Schedule


def recipe(study: Study, schedule: Schedule, arm: str) -> dict:
    """{task: {model, steps, batch, replicates: [{replicate, optimizer, knobs, score, how}]}} of an arm.

    A replicate in which every tuning run diverged has optimizer None; tasks whose tuning is not over are left out. Raises
    ValueError on an unknown arm.
    """
    found = {}
    for task in study.tasks:
        model = study.model(arm, task.name)
        selected = {r: s for (a, t, r), s in schedule.selections.items() if (a, t) == (arm, task.name)}
        if not selected:
            continue
        replicates = []
        for replicate, point in sorted(selected.items()):
            if point is None:
                replicates.append(
                    {'replicate': replicate, 'optimizer': None, 'knobs': {}, 'score': None, 'how': 'all diverged'}
                )
                continue
            score = float(f'{task.sign * point.score:.6g}')
            knobs = {**study.fixed, **dict(point.knobs)}
            replicates.append(
                {'replicate': replicate, 'optimizer': point.optimizer, 'knobs': knobs, 'score': score, 'how': point.how}
            )
        found[task.name] = {'model': model, 'steps': task.steps, 'batch': task.batch, 'replicates': replicates}
    return found
