"""Launcher: who starts the workers that train packs, and what a run may ask of it.

A run submits orders and looks in the records folder for what became of them: an order has succeeded when its records file
is there. What a launcher says is advice, never the truth, so a new launcher is one class and a row of LAUNCHERS: it starts
`python -m sweeps.worker` somewhere, which reads commands as JSON lines from a pipe or from a file.
"""

import abc
import dataclasses


@dataclasses.dataclass(frozen=True)
class Order:
    """A pack to train: the name of its records file, the id of its compiled program, and the command for a worker.

    The command is plain data. The same order may be carried out twice: the first to commit the name wins.
    """

    name: str
    program: str
    command: dict


class Launcher(abc.ABC):
    """Workers on some machine or cluster. `folder` is the run's, which the workers must reach under the same path."""

    pause = 1.0
    """Seconds that a run waits between two looks at what became of its orders."""

    @abc.abstractmethod
    def preflight(self, question: dict) -> dict:
        """The answer of a first worker to a preflight command: costs, platform, lane strategy and number of devices.

        Raises ValueError where the study cannot run, RuntimeError where the worker broke.
        """

    def choose(self, programs: list[str]) -> list[int]:
        """Which of the waiting packs to submit now, as places in `programs`, the program of each; all unless overridden."""
        return list(range(len(programs)))

    @abc.abstractmethod
    def submit(self, orders: list[Order]) -> None:
        """Have these orders carried out. An order that was lost is submitted again under the same name."""

    @abc.abstractmethod
    def alive(self) -> set[str] | None:
        """The names that still wait or run; None where that cannot be known, and then nothing is submitted again.

        Raises ValueError or RuntimeError where a worker says that the whole run cannot go on, as on a full disk.
        """

    def ended(self, name: str) -> str:
        """How an order ended that is no longer alive and left no records: exit status and log, as far as known."""
        return 'no exit status known'

    def __enter__(self) -> 'Launcher':
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        try:
            if kind is not None:
                self.cancel()
        finally:
            self.close()

    @abc.abstractmethod
    def cancel(self) -> None:
        """End all workers at once."""

    @abc.abstractmethod
    def close(self) -> None:
        """Let workers go when they are done, and wait for them; called last, after a `cancel` too."""


def checked(answer: dict, log: object) -> dict:
    """A worker's answer; raises ValueError where it refuses its input, RuntimeError where it broke, naming its log."""
    if 'invalid' in answer:
        raise ValueError(answer['invalid'])
    if 'broken' in answer:
        raise RuntimeError(f'{answer["broken"]}; see {log}')
    return answer
