"""planets: one body around one sun, by Newton's law or by another power of the distance."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from sweeps.tasks.trajectories.forces import FORCES, integrated, potential, pull
from sweeps.tasks.trajectories.motion import Motion, check_span

GRAVITY = 4 * np.pi**2
"""Of one solar mass, in cubed astronomical units per squared year."""
MASSES = (0.5, 2.0)
"""Of suns, in solar masses."""
SPEEDS = (0.75, 1.2)
"""Speeds at the start, in units of that of a circle there."""
TURNS = 0.35
"""The largest angle between the start and a circle, in radians."""
DRIFT = 0.01
"""The most that the energy may drift in an episode, as a share of the first kinetic energy: else the draw doesn't count."""

NEAR = 0.05
"""The least distance that a fit reckons with, in astronomical units: readings may lie on the sun."""


@dataclasses.dataclass(frozen=True)
class Planets(Motion):
    """x'' = -k x / r^(p+1): an orbit around a sun in the middle of the picture, with p by law; p = 2 makes Kepler's ellipses.

    Seen are the two coordinates in astronomical units. Hidden are the sun's mass (0.5 to 2 of ours), the distance at the start
    (`nearest` to `farthest`), the place, and the velocity there. At the start each law pulls as strongly as the inverse square
    would, k = 4 pi^2 mass distance^(p-2). The integrator is that of `forces.py`, of fourth order; `interval` is in years.
    """

    NAME = 'planets'
    LAWS = tuple(FORCES)
    COORDINATES = ('x', 'y')
    REACH = 2.0

    laws: tuple = ('inverse_square',)
    interval: float = 0.04
    substeps: int = 8
    nearest: float = 0.5
    farthest: float = 1.2

    def __post_init__(self):
        super().__post_init__()
        check_span(self.NAME, nearest_farthest=(self.nearest, self.farthest))
        if self.farthest >= self.REACH:
            raise ValueError(
                f"motion '{self.NAME}': farthest={self.farthest}; allowed: below {self.REACH}, the picture; lower it"
            )

    def constants(self, generator: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        mass, distance = generator.uniform(*MASSES, count), generator.uniform(self.nearest, self.farthest, count)
        place = generator.uniform(0, 2 * np.pi, count)
        way = generator.choice([-1, 1], count) * (np.pi / 2) + generator.uniform(-TURNS, TURNS, count) + place
        speed = generator.uniform(*SPEEDS, count) * np.sqrt(GRAVITY * mass / distance)
        return {
            'mass': mass,
            'distance': distance,
            'x': distance * np.cos(place),
            'y': distance * np.sin(place),
            'x_velocity': speed * np.cos(way),
            'y_velocity': speed * np.sin(way),
        }

    def moved(self, constants: Mapping[str, np.ndarray], law: str, events: int) -> tuple[np.ndarray, np.ndarray]:
        places, velocities = self.flown(constants, law, events)
        energy = self.energy(constants, law, places, velocities)
        kinetic = (velocities[0] ** 2).sum(0) / 2
        return places, (np.abs(energy - energy[0]) <= DRIFT * kinetic).all(0)

    def fitted(self, where: np.ndarray) -> np.ndarray:
        """The law whose pull, times a constant of the episode, is nearest to the second differences."""
        middle = where[:, 1:-1]
        bent = where[:, 2:] - 2 * middle + where[:, :-2]
        square = np.maximum((middle**2).sum(-1, keepdims=True), NEAR**2)
        misses = []
        for law in self.laws:
            towards = -pull(square, law) * middle
            strength = (bent * towards).sum((1, 2)) / (towards**2).sum((1, 2))
            misses.append(((bent - strength[:, None, None] * towards) ** 2).sum((1, 2)))
        return np.argmin(misses, 0)

    def strength(self, constants: Mapping[str, np.ndarray], law: str) -> np.ndarray:
        """The constant k of the pull k / r^p: `[n]`."""
        square = constants['distance'] ** 2
        return GRAVITY * constants['mass'] * pull(square, 'inverse_square') / pull(square, law)

    def flown(self, constants: Mapping[str, np.ndarray], law: str, events: int) -> tuple[np.ndarray, np.ndarray]:
        """Places and velocities: `[T, 2, n]` each."""
        strength = self.strength(constants, law)
        where, velocity = (np.stack([constants[f'{name}{what}'] for name in 'xy']) for what in ('', '_velocity'))

        def acceleration(where: np.ndarray) -> np.ndarray:
            return -strength * pull(where[0] * where[0] + where[1] * where[1], law) * where

        return integrated(where, velocity, acceleration, self.step, self.substeps, events)

    def energy(self, constants: Mapping[str, np.ndarray], law: str, places: np.ndarray, velocities: np.ndarray) -> np.ndarray:
        """The energy of one unit of mass: `[T, 2, n]` each `-> [T, n]`."""
        return (velocities**2).sum(1) / 2 + self.strength(constants, law) * potential((places**2).sum(1), law)
