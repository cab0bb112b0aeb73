"""Local: worker processes on this machine, one per core (CPU) or device (GPU), which get commands through pipes.

[local]
devices = 2
"""

import contextlib
import dataclasses
import json
import os
import queue
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from ablations.trial import Needs
from sweeps.launch.compilation_cache import bound, cache_folder
from sweeps.launch.launcher import Launcher, Order, checked
from sweeps.launch.order_files import last_words, open_log
from sweeps.launch.worker_environment import worker_environment
from sweeps.machine import cores

MEMORY_PER_WORKER = 1 << 30
PREFLIGHTS = 3
"""How often a first worker is started that is killed each time."""


def workers_for(count: int | None) -> int:
    """The given number of workers, or as many as cores and free memory allow; raises ValueError below 1."""
    if count is not None:
        if count < 1:
            raise ValueError(f'--workers {count}; allowed: 1 or more; leave it out for as many as fit')
        return count
    try:
        lines = Path('/proc/meminfo').read_text().splitlines()
        memory = int(next(line for line in lines if line.startswith('MemAvailable')).split()[1]) * 1024
    except (OSError, StopIteration):
        return cores()
    return max(1, min(cores(), memory // MEMORY_PER_WORKER))


@dataclasses.dataclass(frozen=True)
class LocalSettings:
    """What a user may ask of this machine: `devices` is how many of its GPUs a worker gets.

    On CPU a processor plays so many devices, which makes nothing faster: it shows what a study does on several.
    """

    devices: int = 1

    def __post_init__(self):
        if self.devices < 1:
            raise ValueError(f'--devices {self.devices}; allowed: 1 or more; leave it out for one')


def devices_for(answer: dict, workers: int, each: int = 1) -> list[str | None]:
    """The devices of each worker: none on CPU, else `each` of this process's visible ones, each for at most one worker.

    Raises ValueError where there are not so many.

    >>> devices_for({'platform': 'gpu', 'devices': 5}, workers=4, each=2)
    ['0,1', '2,3']
    """
    if answer['platform'] == 'cpu':
        return [None] * workers
    if answer['platform'] == 'tpu':
        # All chips of a host belong to one process.
        if each not in (1, answer['devices']):
            raise ValueError(f'--devices {each}: on TPU one worker has all {answer["devices"]} chips of a host; leave it out')
        return ['0']
    names = _visible(answer['devices'])
    if each > len(names):
        raise ValueError(f'--devices {each}: this machine has {len(names)} to give; allowed: up to that; lower it')
    return [','.join(names[at : at + each]) for at in range(0, len(names) - each + 1, each)][:workers]


def _visible(count: int) -> list[str]:
    """The names of the `count` devices that jax has: all of the machine's, or those that the user's variables leave.

    CUDA takes the names up to the first that is none, and jax takes some of these by their places.
    """
    given = os.environ.get('CUDA_VISIBLE_DEVICES', '')
    names = [name.strip() for name in given.split(',')] if given.strip() else None
    chosen = os.environ.get('JAX_CUDA_VISIBLE_DEVICES', 'all').strip()
    places = range(count) if chosen in ('', 'all') else [int(place) for place in chosen.split(',')]
    return [str(place) if names is None else names[place] for place in places][:count]


class WorkerProcess:
    """One worker: it takes commands and puts (worker, answer) on the shared queue, with the answer None when it has ended.

    It sees `device`, one or several by their numbers; on CPU (None) it sees as many as the processor has `played`.
    `compiled` is what it has compiled, and `order` is the present one, which it has had `since` then.
    """

    COMMAND = (sys.executable, '-P', '-m', 'sweeps.worker', '--answers')

    def __init__(self, place: int, log: Path, answers: queue.Queue, device: str | None, played: int = 1):
        self.place, self.log = place, log
        self.compiled: set[Needs] = set()
        self.order: Order | None = None
        self.since = 0.0
        own, its = os.pipe()
        try:
            with open_log(log) as said:
                self.start = said.seek(0, os.SEEK_END)
                self.process = subprocess.Popen(
                    (*self.COMMAND, str(its)),
                    stdin=subprocess.PIPE,
                    stdout=said,
                    stderr=said,
                    pass_fds=(its,),
                    env=worker_environment(device, played),
                    text=True,
                )
        except BaseException:
            os.close(own)
            raise
        finally:
            os.close(its)
        threading.Thread(target=self._listen, args=(own, answers), daemon=True).start()

    def _lines(self, pipe: int) -> Iterator[bytes]:
        """What it answers until it ends. A process that it leaves behind may hold the pipe open, and a last line be cut off."""
        left = b''
        while True:
            if select.select([pipe], [], [], 1.0)[0]:
                read = os.read(pipe, 1 << 16)
                if not read:
                    return
                *whole, left = (left + read).split(b'\n')
                yield from whole
            elif self.process.poll() is not None:
                return

    def _listen(self, pipe: int, answers: queue.Queue) -> None:
        with open(pipe, 'rb', buffering=0):
            for line in self._lines(pipe):
                try:
                    answer = json.loads(line)
                except ValueError:
                    answer = None
                if not isinstance(answer, dict):
                    # A worker that says what is no answer cannot be trusted with another order: it counts as dead.
                    with contextlib.suppress(OSError, ValueError), open_log(self.log) as log:
                        log.write(f'archlab: not an answer, so this worker is ended: {line!r}\n'.encode())
                    self.process.kill()
                    break
                answers.put((self, answer))
        self.process.wait()
        answers.put((self, None))

    def send(self, command: dict) -> None:
        """Send a command; a dead worker is noticed by its answer None."""
        with contextlib.suppress(OSError):
            self.process.stdin.write(json.dumps(command) + '\n')
            self.process.stdin.flush()

    def ending(self) -> str:
        """How it ended, and the last lines of its log."""
        code = self.process.wait()
        how = f'exit status {code}' if code >= 0 else f'signal {signal.Signals(-code).name}'
        return f'{how}; {last_words(self.log, self.start) or f"see {self.log}"}'

    def end(self, kill: bool = False) -> None:
        """Close its input, so that it ends when it is done; or kill it."""
        if kill:
            self.process.kill()
        with contextlib.suppress(OSError):
            self.process.stdin.close()


class LocalLauncher(Launcher):
    """Workers that stay: each keeps its programs compiled, and gets packs of these programs first.

    `devices` has one entry for each worker and is known after the preflight. A new worker replaces a dead one.
    """

    pause = 0.1
    Settings = LocalSettings

    def __init__(self, folder: Path, workers: int | None = None, settings: LocalSettings = LocalSettings()):
        self.logs, self.settings = folder / 'logs', settings
        self.given, self.workers = workers, workers_for(workers)
        self.devices: list[str | None] = [None]
        self.answers: queue.Queue = queue.Queue()
        self.crew: dict[int, WorkerProcess] = {}
        self.waiting: list[Order] = []
        self.endings: dict[str, str] = {}
        self.began = self.busy = 0.0

    def preflight(self, question: dict) -> dict:
        self.began = time.monotonic()
        bound(cache_folder())
        # The others start meanwhile. On a device they have not touched it yet.
        self.devices = [None] * self.workers
        for place in range(self.workers):
            self._hire(place)
        for _ in range(PREFLIGHTS):
            worker = self.crew.get(0) or self._hire(0)
            worker.send(question)
            answer = self._answer_of(worker)
            if answer is not None:
                break
            worker.end()
            del self.crew[0]
        else:
            raise ValueError(
                f'the first worker ended {PREFLIGHTS} times while it checked the models, with {worker.ending()}; where it was '
                'killed for memory, make the models or batches smaller'
            )
        checked(answer, worker.log)
        self.busy = time.monotonic() - self.began
        self.devices = devices_for(answer, self.workers, self.settings.devices)
        if self.given is not None and self.given > len(self.devices):
            raise ValueError(
                f'--workers {self.given}; this machine has {answer["devices"]} {answer["platform"]} devices for '
                f'{len(self.devices)} workers; give at most {len(self.devices)}'
            )
        if self.devices[0] is not None:
            # It has seen every device; those that train see one each.
            self.close()
        return answer

    def _answer_of(self, asked: WorkerProcess) -> dict | None:
        while True:
            # Wakes often, so that an interrupt is heard.
            with contextlib.suppress(queue.Empty):
                worker, answer = self.answers.get(timeout=0.5)
                if worker is asked:
                    return answer
                self._hear(worker, answer)

    def rest(self) -> None:
        # A worker that waits for its next pack costs a core.
        with contextlib.suppress(queue.Empty):
            self._hear(*self.answers.get(timeout=self.pause))

    def room(self) -> bool:
        return len(self.crew) < len(self.devices) or any(worker.order is None for worker in self.crew.values())

    def choose(self, waiting: list[Needs]) -> list[int]:
        return [place for _, place in self._pairs(waiting)]

    def submit(self, orders: list[Order]) -> None:
        self.waiting += orders
        self._hand_out()

    def alive(self) -> set[str]:
        with contextlib.suppress(queue.Empty):
            while True:
                self._hear(*self.answers.get_nowait())
        self._hand_out()
        working = {worker.order.name for worker in self.crew.values() if worker.order is not None}
        return working | {order.name for order in self.waiting}

    def idle(self) -> float | None:
        whole = len(self.devices) * (time.monotonic() - self.began)
        return max(0.0, 1 - self.busy / whole) if self.busy and whole else None

    def ended(self, name: str) -> str:
        return self.endings.get(name) or super().ended(name)

    def cancel(self) -> None:
        for worker in self.crew.values():
            worker.end(kill=True)

    def close(self) -> None:
        for worker in self.crew.values():
            worker.end()
        for worker in self.crew.values():
            worker.process.wait()
        self.crew.clear()

    def _hire(self, place: int) -> WorkerProcess:
        self.logs.mkdir(exist_ok=True)
        log, played = self.logs / f'worker-{place}.log', self.settings.devices
        self.crew[place] = WorkerProcess(place, log, self.answers, self.devices[place], played)
        return self.crew[place]

    def _hand_out(self) -> None:
        pairs = self._pairs([order.needs for order in self.waiting])
        for place, number in pairs:
            worker, order = self.crew.get(place) or self._hire(place), self.waiting[number]
            worker.order, worker.since = order, time.monotonic()
            worker.compiled.add(order.needs)
            worker.send(order.command)
        given = {number for _, number in pairs}
        self.waiting = [order for number, order in enumerate(self.waiting) if number not in given]

    def _hear(self, worker: WorkerProcess, answer: dict | None) -> None:
        if self.crew.get(worker.place) is not worker:
            return
        order, worker.order = worker.order, None
        if order is not None:
            self.busy += time.monotonic() - worker.since
        if answer is not None:
            checked(answer, worker.log)
            return
        worker.end()
        del self.crew[worker.place]
        if order is not None:
            self.endings[order.name] = worker.ending()

    def _pairs(self, waiting: list[Needs]) -> list[tuple[int, int]]:
        """Pairs (place of an idle worker, number of its pack), until workers or packs run out.

        Workers that are not started yet come last. A worker gets a pack of a program that it has compiled. Else it gets the one
        that costs all workers together the least to compile, and of these the most urgent.
        """
        idle = [place for place, worker in self.crew.items() if worker.order is None]
        idle += [place for place in range(len(self.devices)) if place not in self.crew]
        compiled = {place: worker.compiled for place, worker in self.crew.items()}
        left: dict[Needs, list[int]] = {}
        for number, needs in enumerate(waiting if idle else ()):
            left.setdefault(needs, []).append(number)
        pairs: dict[int, int] = {}

        def take(place: int, needs: Needs) -> None:
            pairs[place] = left[needs].pop(0)
            if not left[needs]:
                del left[needs]

        for place in idle:
            own = min((needs for needs in compiled.get(place, ()) if needs in left), key=left.get, default=None)
            if own is not None:
                take(place, own)
        taken = set().union(*compiled.values())
        for place in idle:
            if place not in pairs and left:
                models = [{needs.model for needs in some} for some in (compiled.get(place, ()), taken)]
                needs = min(left, key=lambda needs: (_twice(needs, taken, *models), left[needs][0]))
                take(place, needs)
                taken.add(needs)
        return list(pairs.items())


def _twice(needs: Needs, taken: Collection[Needs], own_models: Collection[str], models: Collection[str]) -> int:
    """How much is compiled twice if a worker takes this, by rank. It has `own_models`; some worker has `taken` and `models`."""
    if needs in taken:
        return 3
    return 0 if needs.model in own_models else 2 if needs.model in models else 1
