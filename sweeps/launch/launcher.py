"""Launcher: the interface to programs that start workers.

A run submits orders, and an order has succeeded when its records file is in the records folder. What a launcher reports is only
advice. So a new launcher is one class and a row of LAUNCHERS: it starts `python -m sweeps.worker` somewhere, and the worker
reads commands as JSON lines from a pipe or a file.
"""

import abc
import contextlib
import dataclasses
import time
from collections.abc import Callable

from ablations.trial import Needs


@dataclasses.dataclass(frozen=True)
class Order:
    """A pack to train: the name of its records file, what has to be compiled for it, and the command for a worker.

    The command is plain data. If an order is carried out twice, the first to commit the name wins.
    """

    name: str
    needs: Needs
    command: dict


class Launcher(abc.ABC):
    """Workers on some machine or cluster. `folder` is the run's, which the workers must reach under the same path."""

    pause = 1.0
    """Seconds that a run waits before it looks again for the records of its orders."""
    elsewhere = False
    """Whether workers run on other machines, which may have another version of the lab."""
    outlives = False
    """Whether what was submitted waits and runs on when the run has ended."""
    pack_seconds = 4.0
    """Seconds that a pack should take, roughly: more where starting a worker takes longer."""

    limit: float | None = None
    """Seconds after which the cluster ends a worker, as was asked by `--time`; None where it does not."""
    checkpoint_minutes: float = 30.0
    """Minutes between the checkpoints of a pack, unless the user gives others: fewer where a cluster takes workers away."""
    meanwhile: Callable[[], None] = staticmethod(lambda: None)
    """What the run does while it waits for the first worker; a launcher whose orders outlive a run calls it again and again."""

    Settings: type | None = None
    """A dataclass of what a user may ask of the cluster (settings.py); the launcher is made with an object of it, if given."""

    @abc.abstractmethod
    def preflight(self, question: dict) -> dict:
        """The answer of a first worker to a preflight command: costs, platform, lane strategy and number of devices.

        Raises ValueError if the study cannot run, and RuntimeError if the worker fails.
        """

    def rest(self) -> None:
        """Wait `pause` seconds, or until an answer is there where the launcher hears them."""
        time.sleep(self.pause)

    @property
    def lifetime(self) -> float | None:
        """Seconds after which the cluster ends a worker, however that was asked for; None where it does not."""
        return self.limit

    def room(self) -> bool:
        """Whether `choose` would take a pack now; always unless overridden. It is asked often, so it must be quick."""
        return True

    def choose(self, waiting: list[Needs]) -> list[int]:
        """The packs to submit now, as indices into `waiting`, which has the most urgent first; all unless overridden."""
        return list(range(len(waiting)))

    @abc.abstractmethod
    def submit(self, orders: list[Order]) -> None:
        """Start these orders. A lost order is submitted again under the same name."""

    @abc.abstractmethod
    def alive(self) -> set[str] | None:
        """The names of orders that wait or run; None if that cannot be known; then nothing is submitted again.

        Raises ValueError or RuntimeError if a worker reports that the whole run cannot go on, as on a full disk.
        """

    def idle(self) -> float | None:
        """The share of its time, since the preflight began, that a worker had nothing to do; None where it is not known."""
        return None

    def ended(self, name: str) -> str:
        """How an order without records ended, after it was no longer alive: exit status and log, as far as known."""
        return 'no exit status known'

    def __enter__(self) -> 'Launcher':
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        if kind is None:
            self.close()
            return
        for end in (self.cancel, self.close):
            # What ended the run is told, and not that a scheduler can no longer be asked.
            with contextlib.suppress(Exception):
                end()

    def cancelled(self, name: str) -> bool:
        """Whether a person ended an order that is no longer alive; it is not submitted again."""
        return False

    @abc.abstractmethod
    def cancel(self) -> None:
        """End all workers at once."""

    @abc.abstractmethod
    def close(self) -> None:
        """Let workers finish, and wait for them; called last, also after `cancel`."""


def checked(answer: dict, log: object) -> dict:
    """A worker's answer; raises ValueError if it refuses its input, and RuntimeError with its log if it failed."""
    if 'invalid' in answer:
        raise ValueError(answer['invalid'])
    if 'broken' in answer:
        raise RuntimeError(f'{answer["broken"]}; see {log}')
    return answer
