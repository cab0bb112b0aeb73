"""Run: plan -> pack -> train -> commit, again and again until the study wants nothing more."""

import dataclasses
import queue
from collections import deque
from pathlib import Path

from ablations.study import Study
from ablations.trial import TEST, Schedule
from results.store.records import FOLDER, commit, prepare, read_file, read_folder
from sweeps import manifest as manifests
from sweeps.launch.local import WorkerProcess
from sweeps.machine import cores
from sweeps.protocol.pack import LANES, Pack, pack
from sweeps.protocol.plan import schedule
from sweeps.training.record import failed, lines
from sweeps.training.saving import Saving

TRIES = 3
MEMORY_PER_WORKER = 1 << 30


@dataclasses.dataclass
class Outcome:
    """What a run left: the schedule, the records, the manifest, and the packs that failed, with the reason."""

    schedule: Schedule
    records: dict
    manifest: dict
    failures: dict


def _workers_for(count: int | None) -> int:
    if count is not None:
        if count < 1:
            raise ValueError(f'--workers {count}; allowed: 1 or more')
        return count
    try:
        lines_of = Path('/proc/meminfo').read_text().splitlines()
        memory = int(next(line for line in lines_of if line.startswith('MemAvailable')).split()[1]) * 1024
    except (OSError, StopIteration):
        return cores()
    return max(1, min(cores(), memory // MEMORY_PER_WORKER))


class Run:
    """One run of a study in a folder. `watch` is told what happens (see `archlab run`'s progress)."""

    def __init__(
        self,
        study: Study,
        folder: Path,
        settings: list[str],
        workers: int | None,
        retry: bool,
        watch,
        saving: Saving = Saving(),  # noqa: B008 (frozen)
    ):
        self.study, self.folder, self.settings, self.watch = study, folder, settings, watch
        self.workers, self.retry = _workers_for(workers), retry
        self.saving = saving
        self.answers: queue.Queue = queue.Queue()
        self.crew: list[WorkerProcess] = []
        self.busy: dict[WorkerProcess, Pack] = {}
        self.tries: dict[str, int] = {}
        self.failures: dict[str, str] = {}
        self.records: dict[str, dict] = {}
        self.backlog: deque[Pack] = deque()

    def __call__(self) -> Outcome:
        """Run until the study is complete; raises ValueError on bad input, a damaged folder or a full disk."""
        prepare(self.folder)
        with manifests.only_one(self.folder):
            self.manifest = manifests.load(self.folder)
            self._read()
            # Of another study, or before the first run, costs are not known, and a plan may need them.
            if self.manifest.get('digest') == self.study.digest:
                done = schedule(self.study, self.records, self.manifest)
                if done.complete:
                    return Outcome(done, self.records, self.manifest, self.failures)
            try:
                self._preflight()
                found = self._work()
            except BaseException:
                self._dismiss(kill=True)
                raise
            self._dismiss(kill=False)
        return Outcome(found, self.records, self.manifest, self.failures)

    def _read(self) -> None:
        records, skipped = read_folder(self.folder, self.study.name)
        if skipped:
            raise ValueError('; '.join(skipped))
        if self.retry:
            records = {key: record for key, record in records.items() if record['status'] != 'failed'}
        self.records = records

    def _hire(self, device: str | None) -> WorkerProcess:
        logs = self.folder / 'logs'
        logs.mkdir(exist_ok=True)
        worker = WorkerProcess(logs / f'worker-{len(self.crew)}.log', self.answers, device)
        self.crew.append(worker)
        return worker

    def _dismiss(self, kill: bool) -> None:
        for worker in self.crew:
            worker.end(kill)
        for worker in self.crew:
            worker.process.wait()

    def _preflight(self) -> None:
        """Check every model and count costs in a first worker, which also tells the platform; keep what it says."""
        self.watch.note('checking every model of the study')
        self.device = None
        worker = self._hire(None)
        study = self.study
        programs = [study.program(a, t.name, o) for t in study.tasks for a in study.arms for o in study.tune]
        knobs = {optimizer: study.reach(optimizer) for optimizer in study.tune}
        plain = [dataclasses.asdict(program) for program in programs]
        metrics = {task.name: [task.metric, task.direction] for task in study.tasks}
        worker.send({'preflight': plain, 'knobs': knobs, 'metrics': metrics, 'blocks': study.blocks})
        _, answer = self._hear()
        if answer is None:
            raise RuntimeError(f'the first worker ended at once; see {worker.log}')
        if 'invalid' in answer:
            raise ValueError(answer['invalid'])
        if 'broken' in answer:
            raise RuntimeError(f'{answer["broken"]}; see {worker.log}')
        if answer['platform'] != 'cpu':
            self._dismiss(kill=False)
            self.crew.clear()
            self.workers = min(self.workers, answer['devices'])
            self.device = '0'
        chosen = {'platform': answer['platform'], 'strategy': answer['strategy'], 'lanes': LANES}
        kept = {name: self.manifest[name] for name in chosen if name in self.manifest}
        about = {'study': study.name, 'digest': study.digest, 'settings': self.settings, 'costs': answer['costs']}
        self.manifest = manifests.update(self.folder, **{**chosen, **kept, **about})

    def _hear(self) -> tuple[WorkerProcess, dict | None]:
        """The next answer; wakes often, so that an interrupt is heard and the progress moves."""
        while True:
            try:
                return self.answers.get(timeout=0.5)
            except queue.Empty:
                self.watch.tick()

    def _wanted(self, found: Schedule) -> list[Pack]:
        flying = {pack.id for pack in self.busy.values()}
        packs = pack(self.study, found.trials, self.manifest['lanes'])
        return [item for item in packs if item.id not in flying and any(trial.id not in self.records for trial in item.trials)]

    def _work(self) -> Schedule:
        while True:
            found = schedule(self.study, self.records, self.manifest)
            self.backlog = deque(self._wanted(found))
            self.watch.scheduled(found, self.records, self.manifest)
            if not self.backlog and not self.busy:
                return found
            self._assign()
            while self.busy:
                self._settle(*self._hear())
                if not self.backlog:
                    break
                self._assign()

    def _assign(self) -> None:
        """Give every idle worker a pack, of a program that it has compiled where there is one."""
        while self.backlog:
            idle = [worker for worker in self.crew if worker not in self.busy]
            if not idle and len(self.crew) < self.workers:
                idle = [self._hire(None if self.device is None else str(len(self.crew)))]
            if not idle:
                return
            worker, chosen = self._match(idle)
            self.backlog.remove(chosen)
            worker.programs.add(chosen.program.id)
            self.busy[worker] = chosen
            self._send(worker, chosen)

    def _match(self, idle: list[WorkerProcess]) -> tuple[WorkerProcess, Pack]:
        for worker in idle:
            for item in self.backlog:
                if item.program.id in worker.programs:
                    return worker, item
        taken = set().union(*(worker.programs for worker in self.crew))
        fresh = next((item for item in self.backlog if item.program.id not in taken), self.backlog[0])
        return idle[0], fresh

    def _send(self, worker: WorkerProcess, item: Pack) -> None:
        if item.held == TEST:
            # Counted before it happens: a read that was interrupted was a read.
            reads = dict(self.manifest['test_reads'])
            reads[item.program.dataset] = reads.get(item.program.dataset, 0) + len(item.trials)
            self.manifest = manifests.update(self.folder, test_reads=reads)
        cost = self.manifest['costs'].get(item.program.arm, {}).get(item.program.task, {})
        worker.send(
            {
                'pack': item.to_dict(),
                'flops': cost.get('flops'),
                'strategy': self.manifest['strategy'],
                'blocks': self.study.blocks,
                'folder': str(self.folder),
                'name': self._name(item),
                'skip': [trial.id for trial in item.trials if trial.id in self.records],
                **self.saving.to_dict(),
            }
        )
        self.watch.started(item)

    def _name(self, item: Pack) -> str:
        """The pack's file; another attempt at a pack that failed gets a name of its own."""
        name, attempt = item.id, 1
        while (self.folder / FOLDER / f'{name}.jsonl').exists():
            attempt += 1
            name = f'{item.id}-{attempt}'
        return name

    def _settle(self, worker: WorkerProcess, answer: dict | None) -> None:
        item = self.busy.pop(worker, None)
        if answer is None:
            worker.end()
            self.crew.remove(worker)
            if item is not None:
                self._retry(worker, item)
            return
        if item is None:
            return
        if 'invalid' in answer:
            raise ValueError(answer['invalid'])
        if 'broken' in answer:
            raise RuntimeError(f'{answer["broken"]}; see {worker.log}')
        if answer['reason']:
            self.failures[item.id] = f"arm '{item.program.arm}' on '{item.program.task}': {answer['reason']}"
        self._take(item)

    def _take(self, item: Pack) -> None:
        fresh = []
        for path in sorted((self.folder / FOLDER).glob(f'{item.id}*.jsonl')):
            for record in read_file(path, self.study.name):
                old = self.records.get(record['id'])
                if old is None or old['status'] == 'failed':
                    self.records[record['id']] = record
                    fresh.append(record)
        self.watch.finished(item, fresh)

    def _retry(self, worker: WorkerProcess, item: Pack) -> None:
        """A worker died with a pack: another one tries; after a few tries the pack is recorded as failed."""
        self.tries[item.id] = self.tries.get(item.id, 0) + 1
        if self.tries[item.id] < TRIES:
            self.backlog.appendleft(item)
            return
        code = worker.process.returncode
        reason = f'the worker ended {TRIES} times with exit status {code}; see {worker.log}'
        done = [trial.id for trial in item.trials if trial.id in self.records]
        commit(self.folder, self._name(item), lines(failed(item, reason), item, done, {'strategy': '', 'lanes': 0}))
        self.failures[item.id] = f"arm '{item.program.arm}' on '{item.program.task}': {reason}"
        self._take(item)
