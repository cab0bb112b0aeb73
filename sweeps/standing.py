"""Standing: how the work on a study stands, from the files of its folder alone. Whoever sees the folder can ask; no jax.

Records tell the work done, the journal the run's steps so far (journal.py), and small files the processes at work
(presence.py).
"""

import time
from collections.abc import Mapping

from results.store.reading import Reading
from results.store.records import pack_of
from sweeps import journal, presence
from sweeps.forecast import work_left
from sweeps.machine import cores
from sweeps.progress import best_scores
from sweeps.protocol.pack import Pack

COMPLETE, RUNNING, QUEUED, STOPPED = 'complete', 'running', 'queued', 'stopped'
"""Nothing is left to do; somebody is at work; packs may wait in a queue; something is left, and nobody is at work on it."""
HOUR = 3600.0


def standing(reading: Reading, now: float | None = None) -> dict:
    """How the work stands at a time (now), as plain data. `reading` is of a folder.

    state                   complete, running, queued or stopped
    over                    whether nothing will change unless somebody runs the study again; a run that was killed may be
    run                     host, pid, launcher and since of the process that plans and submits; None where none is seen
    why                     why the last one ended before the study was complete; '' where it goes on, or was killed
    running                 packs that workers train: pack, arm, task, held, lanes, host, device, seconds so far
    waiting                 packs that would run now and that no worker has; of these so many are `submitted`
    lost, retried           how often a worker ended without records, and how often such a pack was submitted again
    cancelled               packs that somebody took out of the queue in the last run
    best                    the best tuning score so far, by task
    expected                trials that are foreseen in all
    seconds_left            by as many workers as are at work now, or as there are cores here; None where nobody is. `from` says
                            by what
    device_hours            hours of workers so far, lost ones too; a worker has one device, or one core
    device_hours_foreseen   these and those that are still to come
    """
    now, folder, records = now or time.time(), reading.folder, reading.records
    told, left = journal.account(folder), work_left(reading, reading.manifest.get('costs', {}))
    there = [one for one in presence.everybody(folder) if one.is_there(now)]
    run = next((one for one in there if one.name == presence.RUN), None)
    packs = {item.id: item for item in left.packs}
    crew = [one for one in there if pack_of(one.name) in packs]
    taken = {pack_of(one.name) for one in crew}
    submitted = {pack_of(name) for name in set(told.submitted) - told.cancelled} & packs.keys() - taken
    spent = sum((record.get('cost') or {}).get('seconds') or 0.0 for record in records.values()) + told.lost_seconds
    gone = {one.path: max(0.0, now - one.since) for one in crew}
    under_way = sum(min(gone[one.path], _expected(packs[pack_of(one.name)], left.of_trial, records)) for one in crew)
    to_come = max(0.0, left.seconds - under_way)
    complete = reading.schedule.complete and not left.trials
    queued = told.queue and bool(submitted)
    state = COMPLETE if complete else RUNNING if run or crew else QUEUED if queued else STOPPED
    return {
        'state': state,
        'over': complete or (state == STOPPED and (told.began is None or told.ended is not None)),
        'run': {'host': run.host, 'pid': run.pid, 'since': run.since, **run.about} if run else None,
        'why': '' if run or complete else told.ended or '',
        'running': [
            {**one.about, 'host': one.host, 'pid': one.pid, 'since': one.since, 'seconds': round(gone[one.path], 1)}
            for one in sorted(crew, key=lambda one: one.since)
        ],
        'waiting': len(left.packs) - len(taken),
        'submitted': len(submitted),
        'lost': told.lost.total(),
        'retried': told.retried,
        'cancelled': len(told.cancelled),
        'best': best_scores(reading.study, records.values()),
        'expected': left.expected,
        'seconds_left': 0.0 if complete else round(to_come / (len(taken) or cores()), 1) if run or crew else None,
        'from': left.source,
        'device_hours': round((spent + sum(gone.values())) / HOUR, 4),
        'device_hours_foreseen': round((spent + sum(gone.values()) + (0.0 if complete else to_come)) / HOUR, 4),
    }


def _expected(item: Pack, of_trial: Mapping[str, float], records: Mapping[str, dict]) -> float:
    """Seconds that the rest of a pack should take."""
    return of_trial[item.program.task] * sum(trial.id not in records for trial in item.trials)
