"""Journal: the steps of a run so far, as JSON lines that are only added to. It is for watching from elsewhere.

began       a run was started; host, pid, launcher, whether that has a `queue` which outlives the run, its folder of `data`
submitted   packs were handed to the launcher; `packs`, the names of their records files
lost        a worker ended without records; its `pack`, and the `seconds` that it was at work
cancelled   a person took a pack out of the queue; its `pack`
ended       the run ended; `why`, '' where the study is complete

Advice only, as what `present` says (presence.py): only records tell the work done, and a cut line is left out.
"""

import contextlib
import dataclasses
import json
import os
import time
from collections import Counter
from pathlib import Path

from results.store import regular

FILE = 'journal.jsonl'
EVENTS = ('began', 'submitted', 'lost', 'cancelled', 'ended')


@dataclasses.dataclass
class Account:
    """What a journal tells: how often each pack was submitted and lost, packs that were cancelled, and the last run's end.

    `lost_seconds` were spent by workers that ended without records. Of the last run, `began` is when it was started (None where
    none was), `queue` whether what it has submitted may run without it, `data` the folder of its data ('' where that is not
    known), and `ended` None while it goes on, or was killed.
    """

    submitted: Counter = dataclasses.field(default_factory=Counter)
    lost: Counter = dataclasses.field(default_factory=Counter)
    cancelled: set = dataclasses.field(default_factory=set)
    lost_seconds: float = 0.0
    began: float | None = None
    queue: bool = False
    data: str = ''
    ended: str | None = None

    @property
    def retried(self) -> int:
        """How often a pack that was lost was submitted again."""
        return sum(min(self.lost[name], self.submitted[name] - 1) for name in self.lost if self.submitted[name])


def note(run: Path, event: str, **about: object) -> None:
    """Add a line; a folder that cannot be written to is no error here."""
    line = json.dumps({'at': round(time.time(), 3), 'event': event, **about})
    with contextlib.suppress(OSError):
        # A pipe in its place must not be waited for, nor a link followed.
        handle = os.open(
            run / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666
        )
        with open(handle, 'w', encoding='utf-8') as file:
            file.write(f'{line}\n')


def account(run: Path) -> Account:
    """What the journal of a run's folder tells; an empty account where there is none."""
    try:
        lines = regular.read(run / FILE).splitlines()
    except OSError:
        return Account()
    told = Account()
    for line in lines:
        with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            _add(told, json.loads(line))
    return told


def _add(told: Account, line: dict) -> None:
    event = line['event']
    if event == 'began':
        told.began, told.queue, told.ended, told.cancelled = float(line['at']), bool(line.get('queue')), None, set()
        told.data = str(line.get('data', ''))
    elif event == 'submitted':
        told.submitted.update(map(str, line['packs']))
    elif event == 'lost':
        told.lost_seconds += max(0.0, float(line['seconds']))
        told.lost[str(line['pack'])] += 1
    elif event == 'cancelled':
        told.cancelled.add(str(line['pack']))
    elif event == 'ended':
        told.ended = str(line['why'])
