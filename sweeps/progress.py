"""Progress: the display of a run. On a terminal a live bar, elsewhere a line now and then."""

import itertools
import time
from collections.abc import Iterable, Mapping

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ablations.halvings import going_on
from ablations.study import Study
from ablations.trial import TUNING, Schedule
from sweeps.commands import programs_of
from sweeps.protocol.pack import Pack
from sweeps.time_left import TimeLeft

QUIET_SECONDS = 15.0
TICK_SECONDS = 0.5


def clock(seconds: float) -> str:
    """Minutes and seconds, or hours and minutes."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours} h {minutes:02d} min' if hours else f'{minutes} min {rest:02d} s'


def expected_trials(study: Study, schedule: Schedule) -> int:
    """The foreseeable trials of the whole study, of all tasks (`expected_by_task`)."""
    return sum(expected_by_task(study, schedule).values())


def expected_by_task(study: Study, schedule: Schedule) -> dict[str, int]:
    """The foreseeable trials of the whole study by task: those scheduled, and the tuning and confirmations to come.

    Runs at a shared recipe count if they are separate runs. Arms that a look decided get no more replicates; of the others
    nobody knows yet, so they count.
    """
    if schedule.expected:
        return dict(schedule.expected)
    counts = {task.name: 0 for task in study.tasks}
    for trial in schedule.trials:
        counts[trial.task] += 1
    for task in study.tasks:
        for arm in study.arms:
            confirmed = 1 if arm == study.base or study.recipe == 'same' or not study.is_shared(arm) else 2
            tuned = study.tuning_runs if arm == study.base or study.recipe == 'own' else 0
            for replicate in _replicates(study, schedule, arm, task.name):
                if ('confirm', arm, task.name, replicate) not in schedule.asked:
                    counts[task.name] += study.seeds * confirmed
                asked = schedule.asked.get(('tune', arm, task.name, replicate), ())
                left = max(tuned - len(asked), 0)
                counts[task.name] += left
                for _ in study.halvings if left else ():
                    left = going_on(left)
                    counts[task.name] += left
    return counts


def _replicates(study: Study, schedule: Schedule, arm: str, task: str) -> list[int]:
    """The replicates of an arm on a task in all looks that it takes part in, or may."""
    looks = [pair for pair in itertools.pairwise((0, *study.looks)) if not schedule.complete or pair[1] <= schedule.look]
    return [
        replicate
        for before, look in looks
        if schedule.takes_part(arm, task, look)
        for replicate in range(study.count(arm, before), study.count(arm, look))
    ]


def best_scores(study: Study, records: Iterable[Mapping], known: Mapping[str, float] | None = None) -> dict[str, float]:
    """The best tuning score of any arm by task, in the order of the study; `known` are those of other records."""
    signs, best = {task.name: task.sign for task in study.tasks}, dict(known or {})
    for record in records:
        task = record.get('task')
        if record.get('held') != TUNING or record['status'] != 'ok' or task not in signs:
            continue
        if task not in best or signs[task] * record['score'] > signs[task] * best[task]:
            best[task] = record['score']
    return {task: best[task] for task in signs if task in best}


class Watch:
    """A display of packs, lanes, trials, time left and the best tuning scores so far; the run calls its methods.

    `queue` says that packs may wait in a queue after the run.
    """

    def __init__(self, study: Study, console: Console, queue: bool = False):
        self.study, self.console = study, console
        self.time_left, self.costs = TimeLeft(programs_of(study), queue), {}
        self.left: dict[str, int] = {}
        self.began = self.said = self.shown = time.monotonic()
        self.done = self.total = self.packs = 0
        self.running: dict[str, int] = {}
        self.best: dict[str, float] = {}
        self.live = Live(console=console, transient=True, auto_refresh=False) if console.is_terminal else None

    def __enter__(self) -> 'Watch':
        if self.live:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            self.live.stop()

    def note(self, text: str) -> None:
        """Show one sentence."""
        if self.live:
            self.live.update(Text(f'{self.study.name}: {text}'), refresh=True)
        else:
            self.console.print(f'{self.study.name}: {text}', highlight=False)

    def tell(self, text: str) -> None:
        """Print one sentence that stays."""
        self.console.print(f'{self.study.name}: {text}', highlight=False, soft_wrap=True)

    def scheduled(self, schedule: Schedule, records: Mapping[str, dict], manifest: Mapping) -> None:
        """Show a new plan."""
        planned = [trial for trial in schedule.trials if trial.id in records]
        if not self.total:
            self.best = best_scores(self.study, (records[trial.id] for trial in planned))
        self.left, self.costs = expected_by_task(self.study, schedule), manifest.get('costs', {})
        self.done, self.total = len(planned), sum(self.left.values())
        for trial in planned:
            self.left[trial.task] -= 1
        self._show()

    def started(self, pack: Pack) -> None:
        """Show that a worker has the pack."""
        self.running[pack.id] = len(pack.trials)
        self.time_left.started(pack, time.monotonic())
        self._show()

    def finished(self, pack: Pack, records: list[dict]) -> None:
        """Show that a pack is committed; `records` are its new ones."""
        self.running.pop(pack.id, None)
        self.packs += 1
        self.done += len(records)
        self.left[pack.program.task] = self.left.get(pack.program.task, 0) - len(records)
        self.time_left.finished(pack, records, time.monotonic())
        self.best = best_scores(self.study, records, self.best)

    def tick(self) -> None:
        """Refresh the display; called while nothing happens."""
        if self.live and self.total and time.monotonic() - self.shown > TICK_SECONDS:
            self._show()

    def _counts(self) -> str:
        now = time.monotonic()
        seconds = self.time_left.seconds(self.left, self.costs, now)
        left = 'time left not known yet' if seconds is None else f'about {clock(seconds)} left'
        return f'{self.done}/{self.total} trials, {clock(now - self.began)} gone, {left}'

    def _details(self) -> str:
        text = f'{self.packs} packs done, {len(self.running)} running ({sum(self.running.values())} lanes)'
        best = ', '.join(f'{task} {score:.4g}' for task, score in self.best.items())
        return text + (f'; best tuning score so far: {best}' if best else '')

    def _show(self) -> None:
        self.shown = time.monotonic()
        if self.live:
            row = Table.grid(padding=(0, 1))
            row.add_row(self.study.name, ProgressBar(max(self.total, 1), self.done, width=24), self._counts())
            self.live.update(Group(row, Text(self._details())), refresh=True)
        elif time.monotonic() - self.said > QUIET_SECONDS:
            self.said = time.monotonic()
            text = f'{self.study.name}: {self._counts()}; {self._details()}'
            self.console.print(text, highlight=False, soft_wrap=True)
