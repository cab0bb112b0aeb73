"""Motion: a made system that moves by one of several laws, with constants that nobody is told."""

import abc
import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from arch.make import positive

LONGEST_STEPS = 10_000
"""The most steps between two events: more is a slip of the pen."""


@dataclasses.dataclass(frozen=True)
class Paths:
    """Episodes without noise: where things are `[n, T, C]`, the number of each episode's law `[n]`, and its constants `[n]`."""

    where: np.ndarray
    law: np.ndarray
    constants: dict[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Motion(abc.ABC):
    """A made system of which the coordinates are seen every `interval`, in `substeps` steps of its integrator.

    Each episode has constants of its own, drawn by its seed, and one of `laws`. Constants and start are drawn alike for all of
    `laws`, and a draw counts only where under each of them everything stays within REACH and the integrator holds. So what an
    episode starts with tells nothing of its law.
    """

    NAME: ClassVar[str]
    """Its kind in a spec."""
    LAWS: ClassVar[tuple[str, ...]]
    """The laws that there are."""
    COORDINATES: ClassVar[tuple[str, ...]]
    """The names of the coordinates."""
    REACH: ClassVar[float]
    """Coordinates lie between -REACH and REACH, in the unit of length."""

    laws: tuple
    interval: float
    substeps: int

    def __post_init__(self):
        name = f"motion '{self.NAME}'"
        if not self.laws or len(set(self.laws)) < len(self.laws) or not set(self.laws) <= set(self.LAWS):
            raise ValueError(f'{name}: laws={self.laws}; allowed: one or more of {list(self.LAWS)}, each once; choose some')
        positive(name, interval=self.interval, substeps=self.substeps)
        if self.substeps > LONGEST_STEPS:
            raise ValueError(f'{name}: substeps={self.substeps}; allowed: 1 to {LONGEST_STEPS}; lower it')

    @property
    def step(self) -> float:
        """The step of the integrator, in the unit of time."""
        return self.interval / self.substeps

    @abc.abstractmethod
    def constants(self, generator: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        """Constants and starts of `count` episodes by name, each `[n]`."""

    @abc.abstractmethod
    def moved(self, constants: Mapping[str, np.ndarray], law: str, events: int) -> tuple[np.ndarray, np.ndarray]:
        """Where things are under a law, `[T, C, n]`, and for which episodes the integrator holds, `[n]`."""

    def draw(self, generator: np.random.Generator, count: int, events: int) -> Paths:
        """Of `count` draws those that count, with a law for each."""
        drawn = self.constants(generator, count)
        law = generator.integers(len(self.laws), size=count)
        left, where = np.arange(count), np.empty((count, events, len(self.COORDINATES)))
        # The last law first: it is the strictest one, and leaves the others little to do.
        for number in reversed(range(len(self.laws))):
            # What flies off to infinity is outside.
            with np.errstate(over='ignore', invalid='ignore', divide='ignore'):
                moved, holds = self.moved({name: own[left] for name, own in drawn.items()}, self.laws[number], events)
            inside = holds & (np.abs(moved) <= self.REACH).all((0, 1))
            left, moved = left[inside], moved[..., inside]
            own = law[left] == number
            where[left[own]] = moved[..., own].transpose(2, 0, 1)
        return Paths(where[left], law[left], {name: values[left] for name, values in drawn.items()})

    def fitted(self, where: np.ndarray) -> np.ndarray | None:
        """The number of the law that fits what was read best, `[n, T, C] -> [n]`; None where nobody has written such a fit."""
        return None


def check_span(name: str, **span: tuple[float, float]) -> None:
    """Raise ValueError for a pair of fields, named `low_high`, that is not above 0 and in order."""
    for both, (low, high) in span.items():
        one, other = both.split('_')
        if not 0 < low <= high:
            raise ValueError(
                f"motion '{name}': {one}={low} and {other}={high}; allowed: {one} above 0 and {other} no less; change one"
            )
