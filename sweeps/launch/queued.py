"""Queued: launchers of a scheduler. It starts one worker for each order, on a machine that reaches the run's folder.

Nothing is known from memory: an order is a file, and what waits or runs is asked of the scheduler by name. So a killed run that
is started again, also on another machine, goes on with the workers there.
"""

import abc
import secrets
import time
from pathlib import Path

from ablations.trial import Needs
from sweeps.launch import order_files
from sweeps.launch.launcher import Launcher, Order, checked

PREFLIGHTS = 3
"""How often a first worker is started that ends without an answer."""
PATIENCE = 30.0
"""Seconds that an answer may take to be seen, after the scheduler has forgotten its worker: shared folders may lag."""
MOST_PENDING = 1000
"""Orders that wait in a queue at the same time: what is lost comes before the rest, and queues of many users stay short."""
UNSEEN = 87
"""The exit status of a worker that does not see the run's folder."""


class QueuedLauncher(Launcher):
    """A launcher of a scheduler. Subclasses start workers, and ask the scheduler which of them wait or run."""

    pause = 5.0
    elsewhere = True
    pack_seconds = 240.0
    checkpoint_minutes = 10.0
    pending: int | None = None
    """How many orders wait in the queue, as `living` has seen it; None where the scheduler does not tell."""

    def __init__(self, folder: Path):
        self.folder = folder.absolute()
        self.orders: set[str] = set()
        self.patience = PATIENCE

    @property
    def out_of_sight(self) -> str:
        """The error for a worker that does not see the run's folder."""
        return f'no sight of {self.folder}: the nodes do not see this folder; put it on a disk that they share (--runs)'

    @abc.abstractmethod
    def start(self, names: list[str]) -> None:
        """Start a worker for each of these order files; raises ValueError where the scheduler refuses."""

    @abc.abstractmethod
    def living(self) -> set[str] | None:
        """The names of the orders whose workers wait or run, whoever started them; None where the scheduler doesn't answer."""

    @abc.abstractmethod
    def end(self, names: set[str]) -> None:
        """End the workers of these orders, or take them out of the queue."""

    @abc.abstractmethod
    def unseen(self, name: str) -> bool:
        """Whether the worker of an order that is no longer alive is known not to have seen the run's folder."""

    def never(self, name: str) -> str:
        """Why a waiting order will never run, if the scheduler says so; '' else."""
        return ''

    def preflight(self, question: dict) -> dict:
        order_files.prepare(self.folder)
        for _ in range(PREFLIGHTS):
            name = f'preflight-{secrets.token_hex(4)}'
            answer = self._answer(name, question)
            if answer is not None:
                order_files.clear(self.folder, name)
                return checked(answer, order_files.log(self.folder, name))
            if self.cancelled(name):
                raise ValueError('the first worker was taken out of the queue by hand; run again to start another')
            if self.unseen(name):
                break
        raise ValueError(f'the first worker ended without an answer, with {self.ended(name)}')

    def _answer(self, name: str, question: dict) -> dict | None:
        """What a worker answers; None where it ended without an answer."""
        order_files.write(self.folder, name, question)
        self.start([name])
        gone, wait = 0.0, min(self.pause, 1.0)
        try:
            while (answer := order_files.answer(self.folder, name)) is None:
                time.sleep(wait)
                self.meanwhile()
                living = self.living()
                if why := self.never(name):
                    raise ValueError(f'the first worker does not start: {why}')
                gone = 0.0 if living is None or name in living else gone + wait
                if gone > self.patience or (gone and (self.cancelled(name) or self.unseen(name))):
                    return None
        except BaseException:
            self.end({name})
            raise
        return answer

    def room(self) -> bool:
        return self.pending is None or self.pending <= MOST_PENDING // 2

    def choose(self, waiting: list[Needs]) -> list[int]:
        return list(range(len(waiting)))[: None if self.pending is None else max(0, MOST_PENDING - self.pending)]

    def submit(self, orders: list[Order]) -> None:
        for order in orders:
            order_files.write(self.folder, order.name, order.command)
        if orders:
            self.start([order.name for order in orders])
        self.orders.update(order.name for order in orders)
        if self.pending is not None:
            self.pending += len(orders)

    def alive(self) -> set[str] | None:
        living = self.living()
        if living is None:
            return None
        for name in self.orders - living:
            if (answer := order_files.answer(self.folder, name)) is not None:
                checked(answer, order_files.log(self.folder, name))
                order_files.clear(self.folder, name)
        self.orders &= living
        return living

    def __exit__(self, kind: type | None, *given: object) -> None:
        if kind is not None and issubclass(kind, KeyboardInterrupt) and self.orders:
            # The run is only watched from here: workers go on, and so will the next call.
            kind = None
        super().__exit__(kind, *given)

    def cancel(self) -> None:
        self.end(self.orders)

    def close(self) -> None:
        pass
