"""Progress: what a run shows while it goes. On a terminal a live bar, elsewhere a line now and then."""

import time
from collections.abc import Mapping

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from ablations.study import Study
from ablations.trial import TUNING, Schedule
from sweeps.pack import Pack

QUIET_SECONDS = 15.0


def clock(seconds: float) -> str:
    """Minutes and seconds, or hours and minutes."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours} h {minutes:02d} min' if hours else f'{minutes} min {rest:02d} s'


def expected(study: Study, schedule: Schedule) -> int:
    """Trials of the whole study as far as they can be foreseen: what is scheduled, and confirmations still to come."""
    later = 0
    for task in study.tasks:
        for arm in study.arms:
            for replicate in range(study.replicates):
                if ('confirm', arm, task.name, replicate) not in schedule.asked:
                    later += study.seeds * (1 if arm == study.base else 2)
                if ('tune', arm, task.name, replicate) not in schedule.asked:
                    later += study.trials * len(study.tune)
    return len(schedule.trials) + later


class Watch:
    """Told by a run what happens; shows packs, lanes, trials, time left and the best tuning scores so far."""

    def __init__(self, study: Study, console: Console):
        self.study, self.console = study, console
        self.began = self.said = time.monotonic()
        self.done = self.total = self.before = self.packs = self.lanes = 0
        self.flying: dict[str, int] = {}
        self.best: dict[str, float] = {}
        self.bar = None
        if console.is_terminal:
            columns = [TextColumn('{task.description}'), BarColumn(bar_width=24), TextColumn('{task.fields[text]}')]
            self.bar = Progress(*columns, console=console, transient=True)
            self.line = self.bar.add_task(study.name, total=1, text='')

    def __enter__(self) -> 'Watch':
        if self.bar:
            self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar:
            self.bar.stop()

    def note(self, text: str) -> None:
        """One sentence about what is going on."""
        if self.bar:
            self.bar.update(self.line, text=text)
        else:
            self.console.print(f'{self.study.name}: {text}', highlight=False)

    def scheduled(self, schedule: Schedule, records: Mapping[str, dict], manifest: Mapping) -> None:
        """The plan was made anew."""
        planned = [trial for trial in schedule.trials if trial.id in records]
        if not self.total:
            self.before = len(planned)
            for trial in planned:
                self._score(records[trial.id])
        self.done, self.total = len(planned), expected(self.study, schedule)
        self._show()

    def started(self, pack: Pack) -> None:
        """A worker has the pack."""
        self.flying[pack.id] = len(pack.trials)
        self._show()

    def finished(self, pack: Pack, records: list[dict]) -> None:
        """A pack is committed; `records` are those that were new."""
        self.flying.pop(pack.id, None)
        self.packs += 1
        self.done += len(records)
        for record in records:
            self._score(record)

    def tick(self) -> None:
        """Nothing has happened for a moment."""
        if self.bar:
            self._show()

    def _score(self, record: dict) -> None:
        if record['held'] != TUNING or record['status'] != 'ok':
            return
        sign = self.study.task(record['task']).sign
        best = self.best.get(record['task'])
        if best is None or sign * record['score'] > sign * best:
            self.best[record['task']] = record['score']

    def _text(self) -> str:
        elapsed, fresh = time.monotonic() - self.began, self.done - self.before
        left = clock(elapsed / fresh * max(self.total - self.done, 0)) if fresh else '?'
        best = ', '.join(f'{task} {score:.4g}' for task, score in self.best.items())
        return (
            f'{self.done}/{self.total} trials, {self.packs} packs done, {len(self.flying)} running '
            f'({sum(self.flying.values())} lanes), {clock(elapsed)} gone, about {left} left'
            + (f'; best tuning score: {best}' if best else '')
        )

    def _show(self) -> None:
        if self.bar:
            self.bar.update(self.line, total=max(self.total, 1), completed=self.done, text=self._text())
        elif time.monotonic() - self.said > QUIET_SECONDS:
            self.said = time.monotonic()
            self.console.print(f'{self.study.name}: {self._text()}', highlight=False)
