"""Watched: the base of tasks about the episodes of a simulator, written in pixels or in symbols."""

import abc
import dataclasses
import functools

import numpy as np

from arch.make import make, positive
from sweeps.tasks.arrays import Arrays, split_by_group
from sweeps.tasks.kind import Kind
from sweeps.tasks.simulators import SIMULATORS
from sweeps.tasks.simulators.episodes import Episodes
from sweeps.tasks.simulators.simulator import FORMS, Simulator

MOST = 1000
"""The most events of an episode, and the furthest horizon: more is a slip of the pen, and would fill a memory."""


@dataclasses.dataclass(frozen=True)
class Watched(Kind):
    """Episodes of `simulator` (a spec: one of sweeps/tasks/simulators with its fields), each of `events` events in one `form`.

    The events of an episode are written one after the other, each with as many tokens. `linked` as in `Episodes`.
    """

    TEST = Episodes.TEST

    simulator: dict = dataclasses.field(default_factory=lambda: {'kind': 'balls'})
    form: str = 'symbols'
    events: int = 8
    linked: bool = True
    train: int = 8192
    held: int = 512

    def __post_init__(self):
        positive(self.NAME, train=self.train, held=self.held)
        if self.form not in FORMS:
            raise ValueError(f"task '{self.NAME}': form='{self.form}'; allowed: {list(FORMS)}; choose one")
        if not 2 <= self.events <= MOST:
            raise ValueError(
                f"task '{self.NAME}': events={self.events}; allowed: 2 (a past and what comes) to {MOST}; change it"
            )
        _ = self.made

    @functools.cached_property
    def made(self) -> Simulator:
        """The simulator."""
        return make('simulator', SIMULATORS, dict(self.simulator))

    @property
    def episodes(self) -> Episodes:
        """Its episodes, whichever form they are written in."""
        return Episodes(self.train, self.held, self.made, self.events, linked=self.linked)

    @abc.abstractmethod
    def written(self, seen: np.ndarray, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets of what was seen and of the states behind it: `[n, T, parts]` each `-> [n, N], [n, N]`."""

    def pool(self) -> Arrays:
        return self._arrays(self.episodes.pool())

    def test(self) -> Arrays:
        return self._arrays(self.episodes.test())

    def _arrays(self, drawn: Arrays) -> Arrays:
        x, y = self.written(*(self.episodes.apart(part) for part in (drawn.x, drawn.y)))
        return Arrays(x, y, drawn.group, self.SCALE)

    def split(self, pool: Arrays, seed: int) -> tuple[np.ndarray, np.ndarray]:
        return split_by_group(pool, seed, self.held, self.train)

    def token_count(self) -> int:
        return self.made.vocabulary[self.form]
