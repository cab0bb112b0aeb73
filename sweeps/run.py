"""Run: plan, submit and commit, again and again until the study is complete."""

import contextlib
import dataclasses
import math
import os
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ablations.locations import data_folder
from ablations.prepared_facts import sets_of
from ablations.study import Study
from ablations.trial import TEST, Schedule
from results.budgets import program_flops
from results.protocol import ENTRY, NOW
from results.resolution import resolutions, small_splits
from results.store import atomic, defined
from results.store.records import FOLDER, prepare
from sweeps import journal, presence
from sweeps import manifest as manifests
from sweeps.commands import preflight_command, train_command
from sweeps.committed import Committed
from sweeps.launch import order_files
from sweeps.launch.launcher import Launcher, Order
from sweeps.pace import Pace
from sweeps.progress import Watch, clock
from sweeps.protocol.pack import LANES, Pack
from sweeps.protocol.packing import SECONDS, pack
from sweeps.protocol.plan import schedule
from sweeps.training.environment import source_hash
from sweeps.training.saving import PAUSES, Saving, last_checkpoint, tidy_pauses
from sweeps.training.shortage import says_shortage, shortage

TRIES = 3
"""How often a pack that is lost is submitted before it is recorded as failed."""
LOOK_SECONDS = 60.0
"""Seconds after which the files of all submitted packs are looked for."""


@dataclasses.dataclass
class Outcome:
    """The outcome of a run: schedule, records, manifest, and the failed packs with their reasons."""

    schedule: Schedule
    records: dict
    manifest: dict
    failures: dict


class Run:
    """One run of a study in a folder, by the workers of a launcher. `watch` shows its progress, `plan` says what it wants.

    Only this run knows which packs it tried, submitted and lost. The folder says which trials are done.
    """

    def __init__(
        self,
        study: Study,
        folder: Path,
        launcher: Launcher,
        watch: Watch,
        settings: list[str] | None = None,
        retry: bool = False,
        saving: Saving = Saving(),  # noqa: B008 (frozen)
        plan: Callable[[Study, Mapping[str, dict], Mapping], Schedule] = schedule,
    ):
        self.plan = plan
        self.study, self.folder, self.launcher, self.watch = study, folder, launcher, watch
        self.settings, self.retry, self.saving = settings or [], retry, saving
        self.waiting: list[Pack] = []
        self.submitted: dict[str, Pack] = {}
        self.left: Counter[str] = Counter()
        self.is_checked = False
        self.looked = time.monotonic()
        self.pace: Pace | None = None
        self.sets: dict[str, str] | None = None
        self.losses: Counter[str] = Counter()
        self.cancelled: list[Pack] = []
        self.reached: dict[str, int] = {}
        self.failures: dict[str, str] = {}

    def __call__(self) -> Outcome:
        """Run until the study is complete; raises ValueError on bad input, a damaged folder or a full disk."""
        self.saving = self.saving.on(self.launcher.checkpoint_minutes, self.launcher.lifetime)
        prepare(self.folder)
        places = [self.folder / place for place in ('', FOLDER, Saving.FOLDER, PAUSES, presence.FOLDER, order_files.FOLDER)]
        with manifests.locked(self.folder), atomic.swept(*places), self._told(), self.launcher:
            self.manifest = manifests.load(self.folder)
            self.committed = Committed(self.folder, self.study, self.retry)
            # A manifest that was moved away is made anew, and what was read of the test data was read.
            self._note_reads(Counter(self.manifest['test_reads']) | self.committed.test_reads())
            try:
                planned = self._until_complete()
            finally:
                if self.pace is not None:
                    self.pace.save()
        return Outcome(planned, self.committed.records, self.manifest, self.failures)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Inside this block the folder tells that this run is at work; in the end, how it ended."""
        about, why = {'launcher': type(self.launcher).__name__.removesuffix('Launcher').lower()}, ''
        presence.tidy(self.folder)
        places = {'host': platform.node(), 'pid': os.getpid(), 'data': str(data_folder().absolute())}
        journal.note(self.folder, 'began', queue=self.launcher.outlives, **places, **about)
        try:
            with presence.present(self.folder, presence.RUN, **about):
                yield
        except BaseException as error:
            stopped = isinstance(error, KeyboardInterrupt | SystemExit)
            why = 'it was stopped' if stopped else ' '.join(str(error).split())[:300] or repr(error)
            raise
        finally:
            journal.note(self.folder, 'ended', why=why)
            presence.tidy(self.folder)

    def _until_complete(self) -> Schedule:
        # Of another study, or before the first run, costs are not known, and a plan may need them.
        if self.manifest.get('digest') == self.study.digest:
            planned = self._plan()
            if planned.complete:
                return planned
            self._go_on(planned)
        self._preflight()
        while True:
            planned = self._plan()
            self._note_sets(planned)
            self._adopt(self._wanted(planned))
            self._refuse_short_limit()
            left = (*self.waiting, *self.submitted.values(), *self.cancelled)
            self.left = Counter(item.program.task for item in left)
            self.watch.scheduled(planned, self.committed.records, self.manifest)
            if not self.left:
                self._tell_idle()
                return planned
            self._until_a_task_is_through()

    def _go_on(self, planned: Schedule) -> None:
        """Collect what an earlier call of this run has submitted, until something has to be submitted or the plan to go on.

        What goes on needs no first worker: it was checked when it was submitted.
        """
        self.pace = Pace.here(self.manifest['platform'])
        self._adopt(self._wanted(planned))
        self.left = Counter(item.program.task for item in self.submitted.values())
        if self.submitted:
            self.watch.scheduled(planned, self.committed.records, self.manifest)
        while self.submitted and not self.waiting and all(self.left.values()):
            self._look()
        # What is left to submit waits for the first worker, and what comes in meanwhile is collected.
        self.launcher.meanwhile = self._collect

    def _look(self) -> None:
        self.launcher.rest()
        self.watch.tick()
        self._collect()

    def _refuse_short_limit(self) -> None:
        """Raise ValueError if the cluster would end a worker before its pack is trained, by measured times."""
        limit = self.launcher.limit
        if limit is None or self.is_checked:
            return
        self.is_checked = True
        expected = [(self._seconds(item), item) for item in self.waiting if self.pace.measured(item.program)]
        needed, item = max(expected, key=lambda one: one[0], default=(0.0, None))
        if needed > limit:
            what = f"{len(item.trials)} trials (arm '{item.program.arm}' on '{item.program.task}')"
            raise ValueError(
                f'--time: workers are ended after {clock(limit)}, and a pack of {what} takes about {clock(needed)}, compiling '
                f'included, by earlier runs; give --time {math.ceil(needed / 30)} (minutes), or --sbatch=--time=... instead '
                'where packs shall go on from their checkpoints, worker after worker'
            )

    def _seconds(self, item: Pack) -> float:
        """How long a worker should take for a pack, from its start on."""
        trained = self.pace.trial_seconds(item.program, self._flops(item)) * len(item.trials)
        return trained + self.pace.compile_seconds(item.program)

    def _tell_idle(self) -> None:
        if (idle := self.launcher.idle()) is not None:
            self.watch.tell(f'workers had nothing to do for {idle:.1%} of their time')

    def _until_a_task_is_through(self) -> None:
        """Submit and collect until all trials that one task asked for are done: only then can it ask for more."""
        while all(self.left.values()):
            if self.cancelled and not self.waiting and not self.submitted:
                raise ValueError(
                    f'{len(self.cancelled)} packs were taken out of the queue by hand, and nothing else is left to do; run '
                    'again to go on with them'
                )
            # A worker may become free at any time, and not only when records appear: it answers after it has committed.
            if self.waiting and self.launcher.room():
                self._submit()
            self._look()

    def _preflight(self) -> None:
        """Let a worker check every model, count costs and name the platform. Earlier entries of the manifest stay."""
        self.watch.note('checking every model of the study')
        study, answer = self.study, self.launcher.preflight(self._of_these_sources(preflight_command(self.study)))
        slow, strategy = self.launcher.pack_seconds > SECONDS, answer['strategy']
        chosen = {'platform': answer['platform'], 'strategy': strategy, 'lanes': LANES['vmap' if slow else strategy]}
        # A folder that has records was started under the rules of then.
        if not self.committed.records:
            chosen[ENTRY] = NOW
        before = {name: self.manifest[name] for name in chosen if name in self.manifest}
        about = {'study': study.name, 'digest': study.digest, 'settings': self.settings}
        about |= {'costs': answer['costs'], 'test_sizes': answer.get('test_sizes', {})}
        about['pack_seconds'] = self.launcher.pack_seconds
        if 'giveaways' in answer or 'giveaways' in self.manifest:
            about['giveaways'] = answer.get('giveaways', {})
        self.sets = answer.get('sets', {})
        self.manifest = manifests.update(self.folder, self.manifest, **{**chosen, **before, **about})
        defined.save(self.folder, study)
        self.pace = self.pace or Pace.here(self.manifest['platform'])
        resolved = resolutions(study, self.committed.records, self.manifest, about['test_sizes'])
        if small := small_splits(resolved):
            self.watch.tell(small)
        for name, said in about.get('giveaways', {}).items():
            self.watch.tell(f"set '{name}': {'; '.join(said)}")

    def _note_sets(self, planned: Schedule) -> None:
        """Note the versions of the prepared sets; raises ValueError if records that count are of another one."""
        before, digests = self.manifest.get('sets', {}), self.sets or {}
        others = {name for name, digest in digests.items() if digest != before.get(name, digest)}
        tasks = {task.name for task in self.study.tasks if others & {*sets_of(task.data)}}
        recorded = [trial for trial in planned.trials if trial.task in tasks and trial.id in self.committed.records]
        if recorded:
            named = ', '.join(f"'{name}' (its digest is {digests[name]}, and was {before[name]})" for name in sorted(others))
            raise ValueError(
                f'{len(recorded)} runs of this study are recorded with another version of the prepared set {named}; prepare '
                'that one again, or give --runs another folder'
            )
        if before != {**before, **digests}:
            self.manifest = manifests.update(self.folder, self.manifest, sets={**before, **digests})
        self.sets = None

    def _plan(self) -> Schedule:
        planned = self.plan(self.study, self.committed.records, self.manifest)
        tidy_pauses(self.folder, planned, self.committed.records)
        return planned

    def _wanted(self, planned: Schedule) -> list[Pack]:
        """The packs to submit: not submitted or cancelled yet, and without a record for some trial.

        Packs of the task that takes longest come first, because its later phases wait for them, and of these the longest. Of
        tasks that take as long one comes before the other: while it is planned on, workers have the other's packs.
        """
        known = {item.id for item in (*self.submitted.values(), *self.cancelled)}
        packs = pack(self.study, planned.trials, self.manifest)
        wanted = [item for item in packs if item.id not in known and self.committed.lacks(item)]
        of_trial = {item.program.id: 0.0 for item in wanted}
        for item in {item.program.id: item for item in wanted}.values():
            of_trial[item.program.id] = self.pace.trial_seconds(item.program, self._flops(item))
        of_task: dict[str, float] = {}
        for item in wanted:
            of_task[item.program.task] = max(of_task.get(item.program.task, 0.0), of_trial[item.program.id])
        places = {task.name: place for place, task in enumerate(self.study.tasks)}

        def urgency(item: Pack) -> tuple[float, int, float]:
            task = item.program.task
            return -of_task[task], places[task], -len(item.trials) * of_trial[item.program.id]

        return sorted(wanted, key=urgency)

    def _adopt(self, wanted: list[Pack]) -> None:
        """Note the packs to submit, and those that an earlier call of this run has submitted."""
        alive = self.launcher.alive() or set()
        own = {self.committed.next_name(item): item for item in wanted}
        for name, item in own.items():
            if name in alive:
                self.submitted[name] = item
                self.watch.started(item)
        self.waiting = [item for name, item in own.items() if name not in alive]

    def _flops(self, item: Pack) -> float | None:
        return program_flops(self.manifest['costs'], item.program)

    def _submit(self) -> None:
        """Submit the launcher's choice, except packs that others have committed meanwhile."""
        orders = []
        for item in self._chosen():
            if fresh := self.committed.catch_up(item):
                self._settle(item, fresh)
            if self.committed.lacks(item):
                orders.append(self._order(item))
                self.submitted[orders[-1].name] = item
        self._count_reads([self.submitted[order.name] for order in orders])
        if orders:
            journal.note(self.folder, 'submitted', packs=[order.name for order in orders])
        self.launcher.submit(orders)
        for order in orders:
            self.watch.started(self.submitted[order.name])

    def _chosen(self) -> list[Pack]:
        places = set(self.launcher.choose([item.program.needs for item in self.waiting]))
        chosen = [item for place, item in enumerate(self.waiting) if place in places]
        self.waiting = [item for place, item in enumerate(self.waiting) if place not in places]
        return chosen

    def _order(self, item: Pack) -> Order:
        name, skip = self.committed.next_name(item), self.committed.recorded(item)
        command = train_command(self.study, self.manifest, self.folder, item, name, skip, self.saving)
        return Order(name, item.program.needs, self._of_these_sources(command))

    def _of_these_sources(self, command: dict) -> dict:
        """A command that a worker of another version of the lab refuses."""
        return {**command, 'sources': source_hash()} if self.launcher.elsewhere else command

    def _count_reads(self, packs: list[Pack]) -> None:
        """Count reads of test data before they happen, because an interrupted read is a read."""
        reads = Counter(self.manifest['test_reads'])
        for item in packs:
            if item.held == TEST:
                reads[item.program.dataset] += len(item.trials)
        self._note_reads(reads)

    def _note_reads(self, reads: Counter[str]) -> None:
        if reads != self.manifest['test_reads']:
            self.manifest = manifests.update(self.folder, self.manifest, test_reads=dict(reads))

    def _collect(self) -> None:
        """Read committed records, and try packs again that are neither committed nor alive."""
        # Asked before the folder is looked at: what commits in between is not taken for lost.
        alive, taken = self.launcher.alive(), 0
        for name in self._to_look_at(alive):
            item = self.submitted[name]
            if self.committed.has(name):
                del self.submitted[name]
                self._settle(item, self.committed.take(name))
            elif alive is not None and name not in alive:
                del self.submitted[name]
                if self.launcher.cancelled(name):
                    self.cancelled.append(item)
                    journal.note(self.folder, 'cancelled', pack=name)
                    taken += 1
                else:
                    self._lost(name, item)
        if taken:
            self.watch.tell(f'{taken} packs were taken out of the queue by hand; they are not submitted again in this run')

    def _to_look_at(self, alive: set[str] | None) -> list[str]:
        """The submitted packs whose files are looked for now: those whose workers have ended, and now and then all of them.

        A worker ends when it has committed. Of an order that is carried out twice a file may be there while one still runs.
        """
        if alive is not None and time.monotonic() - self.looked < LOOK_SECONDS:
            return [name for name in self.submitted if name not in alive]
        self.looked = time.monotonic()
        return list(self.submitted)

    def _lost(self, name: str, item: Pack) -> None:
        """Try a pack again, or after a few tries without a new checkpoint record it as failed."""
        seconds = presence.forget(self.folder, name)
        journal.note(self.folder, 'lost', pack=name, seconds=round(seconds, 1))
        reached = last_checkpoint(self.folder, item.id)
        if reached > self.reached.get(item.id, 0):
            self.losses[item.id] = 0
        self.reached[item.id] = reached
        self.losses[item.id] += 1
        if self.losses[item.id] < TRIES:
            self.waiting.insert(0, item)
            return
        reason = f'the worker ended {TRIES} times with {self.launcher.ended(name)}'
        if says_shortage(reason):
            raise shortage(item.program.arm, item.program.task, reason)
        self._settle(item, self.committed.fail(item, name, reason))

    def _settle(self, item: Pack, fresh: list[dict]) -> None:
        """Note that a pack is recorded; `fresh` are its new records."""
        self.left[item.program.task] -= 1
        for record in fresh:
            if record['status'] == 'failed':
                self.failures[item.id] = f"arm '{item.program.arm}' on '{item.program.task}': {record.get('reason', '')}"
        self.pace.note(item.program, self._flops(item), fresh)
        self.watch.finished(item, fresh)
