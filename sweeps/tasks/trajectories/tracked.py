"""Tracked: the base of tasks about episodes of a motion, written number by number."""

import dataclasses
import functools
from typing import ClassVar

import numpy as np

from ablations.seeds import derive
from arch.make import make, positive
from sweeps.tasks.arrays import Arrays, split_by_group
from sweeps.tasks.kind import Kind
from sweeps.tasks.trajectories import MOTIONS
from sweeps.tasks.trajectories.motion import Motion
from sweeps.tasks.trajectories.readings import Readings, recorded

MOST = 1000
"""The most events of an episode: more is a slip of the pen, and would fill a memory."""
BITS = (2, 8)
"""The fewest and the most bits of a number: it is written as one byte."""
LOUDEST = 64.0
"""The most noise, in levels."""


@dataclasses.dataclass(frozen=True)
class Tracked(Kind):
    """Episodes of `motion` (a spec: one of sweeps/tasks/trajectories with its fields), each of `events` observations.

    A number is a coordinate in one of 2^`bits` levels of the picture, read with a normal noise of `noise` levels. An episode is
    its observations one after the other, of each its coordinates. `control` takes something out: in 'shuffled' episodes the
    observations stand in an order that is drawn anew for each.
    """

    TEST = 512
    CONTROLS: ClassVar[tuple[str, ...]] = ('', 'shuffled')

    motion: dict = dataclasses.field(default_factory=lambda: {'kind': 'pendulums'})
    events: int = 32
    bits: int = 8
    noise: float = 0.5
    control: str = ''
    train: int = 8192
    held: int = 512

    def __post_init__(self):
        positive(self.NAME, train=self.train, held=self.held)
        if not 2 <= self.events <= MOST:
            raise ValueError(f"task '{self.NAME}': events={self.events}; allowed: 2 to {MOST}; change it")
        if not BITS[0] <= self.bits <= BITS[1]:
            raise ValueError(
                f"task '{self.NAME}': bits={self.bits}; allowed: {BITS[0]} to {BITS[1]}, a byte a number; change it"
            )
        if not 0 <= self.noise <= LOUDEST:
            raise ValueError(
                f"task '{self.NAME}': noise={self.noise}; allowed: 0 (none) to {LOUDEST:g} levels, as standard deviation; "
                'change it'
            )
        if self.control not in self.CONTROLS:
            raise ValueError(f"task '{self.NAME}': control='{self.control}'; allowed: {list(self.CONTROLS)}; choose one")
        _ = self.made

    @functools.cached_property
    def made(self) -> Motion:
        """The motion."""
        return make('motion', MOTIONS, dict(self.motion))

    def readings(self, sealed: bool) -> Readings:
        """The episodes of the test split or of the pool, as they happened: those of each task with the same motion."""
        count = self.TEST if sealed else self.train + self.held
        return recorded(self.made, self.events, self.bits, float(self.noise), sealed, count)

    def numbers(self, sealed: bool) -> np.ndarray:
        """The numbers of the examples, uint8 `[n, T, C]`."""
        levels = self.readings(sealed).levels
        if self.control != 'shuffled':
            return levels
        generator = np.random.default_rng(derive(self.NAME, 'shuffled', sealed))
        return np.take_along_axis(levels, generator.random(levels.shape[:2]).argsort(1)[..., None], 1)

    def split(self, pool: Arrays, seed: int) -> tuple[np.ndarray, np.ndarray]:
        return split_by_group(pool, seed, self.held, self.train)

    def token_count(self) -> int:
        return 2**self.bits
