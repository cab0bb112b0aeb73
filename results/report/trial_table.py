"""Trial table: every record in a compact table, which the page sorts and filters."""

from results.store.reading import Reading

PAGE = 100
"""How many rows of the table are shown at a time."""
WORDS = ('arm', 'task', 'phase', 'optimizer', 'status', 'note')
UNPLANNED = 'not planned'


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f'{value:.6g}')


def trials(reading: Reading) -> dict:
    """Columns, the words of each column of words, and rows of numbers in the order of the plan.

    A word is written as its place in `words[column]`. Records that the study no longer plans have the phase `not planned`.
    """
    study, schedule, records = reading.study, reading.schedule, reading.records
    spaces = [*study.tune.values(), *study.own.values()]
    knobs = list(dict.fromkeys(name for space in spaces for name in space))
    columns = ['arm', 'task', 'phase', 'replicate', 'optimizer', *knobs, 'status', 'score']
    # Of a mixture each domain has a column; where there is none the table is as it would be without them.
    domains = list(dict.fromkeys(name for record in records.values() for name in record.get('parts') or ()))
    columns += [f'score on {name}' for name in domains]
    columns += ['initial loss', 'final loss', 'seconds', 'seed', 'note', 'id']
    places: dict[str, dict[str, int]] = {name: {} for name in WORDS}
    planned = {trial.id: trial for trial in schedule.trials}
    order = [*(trial.id for trial in schedule.trials if trial.id in records), *(i for i in records if i not in planned)]
    rows = []
    for name in order:
        record, trial = records[name], planned.get(name)
        if trial is None:
            given = [record.get('arm'), record.get('task'), UNPLANNED, record.get('replicate'), record.get('optimizer')]
            tuned, seed = record.get('knobs') or {}, record.get('seed')
        else:
            given = [trial.arm, trial.task, trial.phase, trial.replicate, trial.program.optimizer]
            tuned, seed = dict(trial.knobs), trial.seed
        stopped = record.get('diverged_at')
        why = '; '.join(filter(None, [record.get('reason'), '' if stopped is None else f'at step {stopped}']))
        losses = [_rounded(record.get(key)) for key in ('initial_loss', 'final_loss')]
        seconds = _rounded((record.get('cost') or {}).get('seconds'))
        row = [*given, *(_rounded(tuned.get(knob)) for knob in knobs), record['status'], _rounded(record.get('score'))]
        row += [_rounded((record.get('parts') or {}).get(domain)) for domain in domains]
        row += [*losses, seconds, seed, why, name]
        for place, column in enumerate(columns):
            if column in places and row[place] is not None:
                row[place] = places[column].setdefault(str(row[place]), len(places[column]))
        rows.append(row)
    return {'page': PAGE, 'columns': columns, 'words': {name: list(known) for name, known in places.items()}, 'rows': rows}
