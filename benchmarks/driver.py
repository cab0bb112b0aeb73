"""Driver: the cost of a run for its planning process, with a thousand workers and losses now and then.

`overhead` is the driver's own CPU time by that of the workers at work, `waiting` what workers had nothing to do because it
computed (when nothing else was in the queue), by the same.

Trials and workers are simulated, so nothing trains; the run, its orders, commits and losses are real. The time is that of the
cluster: it goes on by the pauses of the run and by the CPU seconds that the run takes itself, while workers are at work.
"""

import contextlib
import heapq
import io
import math
import random
import resource
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from ablations.study import Study
from ablations.study_files import load_study
from benchmarks.child import Child
from benchmarks.machine import machine
from benchmarks.measured import collect
from benchmarks.scale import study_of
from results.store.records import FOLDER, commit
from sweeps.launch import order_files
from sweeps.launch.queued import QueuedLauncher
from sweeps.progress import Watch
from sweeps.protocol.duration import FLOPS_PER_SECOND, SECONDS_PER_STEP
from sweeps.protocol.pack import Pack
from sweeps.protocol.simulate import World, simulated_records
from sweeps.run import Run
from sweeps.training.record import describe
from sweeps.training.record import lines as record_lines

SECONDS = 60.0
"""How long a simulated trial takes a worker, about."""
LOST = 0.05
"""The share of workers that are lost in an hour."""
PAUSE = 5.0
"""Seconds between two looks of the run."""
SIZES = (100_000,)
MIB = 1 << 20


def _curve(evaluations: int) -> dict:
    """A curve with a point before the first step and one for each evaluation."""
    return {'step': list(range(evaluations + 1)), 'loss': [2.0] + [1.0] * evaluations}


class Cluster(QueuedLauncher):
    """Simulated workers that take orders from a queue in the order of submission.

    `own` are CPU seconds that were spent on simulating; all others are the run's. `spare` are worker seconds without an order
    while the run computed, and `busy` those with one.
    """

    pause = 0.0
    outlives = True

    def __init__(self, folder: Path, study: Study, workers: int, lost: float, seed: int = 0):
        super().__init__(folder)
        self.study, self.workers, self.world = study, workers, World(optimum=(0.9, 0.4))
        self.chance, self.rate = random.Random(seed), -math.log(1 - lost) / 3600
        self.queue: deque[str] = deque()
        self.working: list[tuple[float, str, bool]] = []
        self.now = self.busy = self.spare = self.own = 0.0
        self.lost = self.commits = self.looks = 0
        self.seen = time.process_time()

    @contextlib.contextmanager
    def simulating(self) -> Iterator[None]:
        """Within, time and what is read are none of the run's."""
        began = time.process_time()
        self._pass(began - self.seen)
        with SCANS.paused():
            yield
        self.seen = time.process_time()
        self.own += self.seen - began

    def _pass(self, seconds: float) -> None:
        """The run has computed for so long."""
        self.spare += seconds * (0 if self.queue else self.workers - len(self.working))
        self.now += seconds

    def preflight(self, question: dict) -> dict:
        order_files.prepare(self.folder)
        costs = {}
        for arm in self.study.arms:
            for one in self.study.tasks:
                flops = (SECONDS / one.steps - SECONDS_PER_STEP) * FLOPS_PER_SECOND
                costs.setdefault(arm, {})[one.name] = {'flops': flops, 'params': 1000, 'macs': 1000}
        return {'costs': costs, 'platform': 'cpu', 'strategy': 'loop', 'devices': 1}

    def start(self, names: list[str]) -> None:
        with self.simulating():
            self.queue.extend(names)
            self._take()

    def living(self) -> set[str]:
        with self.simulating():
            self.looks += 1
            until = self.now + PAUSE
            while self.working and self.working[0][0] <= until:
                self.now, name, is_lost = heapq.heappop(self.working)
                self._end(name, is_lost)
                self._take()
            self.now, self.pending = until, len(self.queue)
            return {*self.queue, *(name for _, name, _ in self.working)}

    def _take(self) -> None:
        while self.queue and len(self.working) < self.workers:
            name = self.queue.popleft()
            trials = len(order_files.read(self.folder, name)['pack']['trials'])
            needed, left = trials * SECONDS * self.chance.uniform(0.7, 1.3), self.chance.expovariate(self.rate)
            self.busy += min(needed, left)
            heapq.heappush(self.working, (self.now + min(needed, left), name, left < needed))

    def _end(self, name: str, is_lost: bool) -> None:
        """What a worker does in the end: it commits and answers, or is lost."""
        if is_lost:
            self.lost += 1
            return
        told = order_files.read(self.folder, name)
        pack = Pack.from_dict(told['pack'])
        made = simulated_records(self.study, self.world, pack.trials, 0)
        full = [
            {**describe(t), **one, 'curve': _curve(t.program.evaluations), 'cost': {'seconds': SECONDS}}
            for t, one in zip(pack.trials, made, strict=True)
        ]
        how = {'strategy': told['strategy'], 'lanes': len(pack.trials)}
        self.commits += commit(self.folder, told['name'], record_lines(full, pack, told['skip'], how))
        order_files.tell(self.folder, name, {'pack': pack.id, 'reason': ''})

    def end(self, names: set[str]) -> None:
        raise AssertionError('nothing is to be cancelled')

    def unseen(self, name: str) -> bool:
        return False


class Scans:
    """Counts listings of folders by their last name, except in pauses."""

    def __init__(self):
        self.counts: Counter[str] = Counter()
        self.on = self.is_hooked = False

    @contextlib.contextmanager
    def counted(self) -> Iterator[Counter]:
        """Within, folders that are listed are counted."""
        if not self.is_hooked:
            sys.addaudithook(self._hear)
            self.is_hooked = True
        self.counts, self.on = Counter(), True
        try:
            yield self.counts
        finally:
            self.on = False

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        before, self.on = self.on, False
        try:
            yield
        finally:
            self.on = before

    def _hear(self, event: str, given: tuple) -> None:
        if self.on and event in ('os.scandir', 'os.listdir') and given and isinstance(given[0], str | Path):
            self.counts[Path(given[0]).name] += 1


SCANS = Scans()


class Simulation:
    """A run of a study with simulated workers, to be called in a process of its own."""

    def run(self, text: str, workers: int, lost: float) -> dict:
        """What a run of a study, given as the text of its file, takes."""
        with tempfile.TemporaryDirectory() as place:
            file = Path(place, 'large.py')
            # The folder is this benchmark's own and is thrown away.
            file.write_text(text, encoding='utf-8')
            study = load_study(str(file))
            folder = Path(place, 'runs', study.name)
            cluster = Cluster(folder, study, workers, lost)
            began, wall = time.process_time(), time.perf_counter()
            with SCANS.counted() as scans, Watch(study, Console(file=io.StringIO())) as watch:
                outcome = Run(study, folder, cluster, watch)()
            cpu = time.process_time() - began - cluster.own
            files = len(list((folder / FOLDER).iterdir()))
        kinds = Counter(record['status'] for record in outcome.records.values())
        return {
            'trials': len(outcome.records),
            'failed': kinds['failed'],
            'packs': files,
            'workers': workers,
            'lost': cluster.lost,
            'commits': cluster.commits,
            'hours': round(cluster.now / 3600, 3),
            'worker_hours': round(cluster.busy / 3600, 1),
            'driver_cpu_s': round(cpu, 2),
            'idle_worker_hours': round(cluster.spare / 3600, 2),
            'overhead': round(cpu / cluster.busy, 7),
            'waiting': round(cluster.spare / cluster.busy, 5),
            'wall_s': round(time.perf_counter() - wall, 1),
            'mib': round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MIB),
            'looks': cluster.looks,
            'scans': dict(sorted(scans.items())),
        }


def measure(trials: int, workers: int, lost: float) -> dict:
    """A run of about so many trials in a process of its own."""
    with contextlib.closing(Child('benchmarks.driver:Simulation', None, {})) as child:
        return child.call('run', text=study_of(trials), workers=workers, lost=lost)


def bench(sizes: Sequence[int], workers: int = 1000, lost: float = LOST, save: Callable[[dict], None] | None = None) -> dict:
    """Runs of some sizes, `save` being told after each; raises ValueError on sizes, workers or losses that make no run."""
    if min(sizes) < 500 or workers < 1 or not 0 <= lost < 1:
        raise ValueError(
            f'--trials {min(sizes)}, --workers {workers}, --lost {lost}; allowed: from 500 trials, a worker or more, and a '
            'share of them from 0 to below 1'
        )
    return collect({'machine': machine(5)}, 'runs', (measure(size, workers, lost) for size in sizes), save)


def lines(results: Mapping) -> list[str]:
    """The results as text of at most 80 columns."""
    told = results['machine']
    made = [
        f'{told["processor"]}, {told["cores"]} cores, load {told["load"]}',
        f'{"trials":>9}{"packs":>8}{"workers":>8}{"lost":>6}{"worker h":>10}'
        f'{"driver s":>9}{"overhead":>10}{"waiting":>9}{"MiB":>6}',
    ]
    for run in results['runs']:
        numbers = f'{run["trials"]:9,}{run["packs"]:8,}{run["workers"]:8,}{run["lost"]:6,}{run["worker_hours"]:10,.0f}'
        made.append(f'{numbers}{run["driver_cpu_s"]:9,.0f}{run["overhead"]:10.4%}{run["waiting"]:9.2%}{run["mib"]:6,}')
    return made


def panels(results: Mapping) -> dict[str, dict[str, dict]]:
    """Worker seconds, and what of them the driver takes and lets wait, by the number of trials."""
    rows = {'workers at work': ('worker_hours', 3600), 'idle while it computes': ('idle_worker_hours', 3600)}
    rows['driver'] = ('driver_cpu_s', 1)
    return {
        f'{run["trials"]:,} trials': {
            name: dict.fromkeys(('median', 'least', 'greatest'), max(run[entry] * unit, 0.01))
            for name, (entry, unit) in rows.items()
        }
        for run in results['runs']
    }
