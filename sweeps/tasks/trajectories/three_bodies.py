"""three_bodies: three masses in a plane that pull each other."""

import dataclasses
import itertools
from collections.abc import Mapping

import numpy as np

from sweeps.tasks.trajectories.forces import FORCES, integrated, potential, pull
from sweeps.tasks.trajectories.motion import Motion

BODIES = 3
PAIRS = tuple(itertools.combinations(range(BODIES), 2))
MASSES = (0.5, 2.0)
DISTANCES = (0.5, 1.3)
"""From the centre, at the start."""
TURN = 0.6
"""The largest angle by which a body leaves the corner of an even triangle, in radians."""
SPEEDS = (0.4, 1.0)
"""At the start around the centre, in units of that of a circle with the same mass in the centre."""
DRIFT = 0.01
"""The most that the energy may drift in an episode, as a share of the first kinetic energy: else the draw doesn't count."""


@dataclasses.dataclass(frozen=True)
class ThreeBodies(Motion):
    """x_i'' = sum over j of m_j (x_j - x_i) / s^(p+1), s^2 = r^2 + `softening`^2, with p by law; p = 2 is Newton's.

    Seen are the two coordinates of each body, whose centre of mass rests in the middle of the picture. Hidden are the masses
    (0.5 to 2) and the velocities. Units are such that the constant of gravity is 1. The integrator is that of `forces.py`, of
    fourth order.
    """

    NAME = 'three_bodies'
    LAWS = tuple(FORCES)
    COORDINATES = ('x1', 'y1', 'x2', 'y2', 'x3', 'y3')
    REACH = 2.0

    laws: tuple = ('inverse_square',)
    interval: float = 0.15
    substeps: int = 8
    softening: float = 0.2

    def __post_init__(self):
        super().__post_init__()
        if not 0 < self.softening < self.REACH:
            raise ValueError(
                f"motion '{self.NAME}': softening={self.softening}; allowed: above 0, so that no two bodies meet, and below "
                f'{self.REACH}; change it'
            )

    def constants(self, generator: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        mass = generator.uniform(*MASSES, (BODIES, count))
        corner = generator.uniform(0, 2 * np.pi, count) + 2 * np.pi / BODIES * np.arange(BODIES)[:, None]
        corner = corner + generator.uniform(-TURN, TURN, (BODIES, count))
        distance = generator.uniform(*DISTANCES, (BODIES, count))
        speed = generator.uniform(*SPEEDS, (BODIES, count)) * np.sqrt(mass.sum(0) / BODIES / distance)
        speed = speed * generator.choice([-1, 1], count)
        where = np.stack([distance * np.cos(corner), distance * np.sin(corner)], 1)
        velocity = np.stack([-speed * np.sin(corner), speed * np.cos(corner)], 1)
        share = (mass / mass.sum(0))[:, None]
        where, velocity = where - (share * where).sum(0), velocity - (share * velocity).sum(0)
        made = {f'mass{body + 1}': mass[body] for body in range(BODIES)}
        for body, (axis, name) in itertools.product(range(BODIES), enumerate('xy')):
            made[f'{name}{body + 1}'] = where[body, axis]
            made[f'{name}{body + 1}_velocity'] = velocity[body, axis]
        return made

    def moved(self, constants: Mapping[str, np.ndarray], law: str, events: int) -> tuple[np.ndarray, np.ndarray]:
        places, velocities = self.flown(constants, law, events)
        energy = self.energy(constants, law, places, velocities)
        kinetic = (self.masses(constants)[:, None] * velocities[0] ** 2).sum((0, 1)) / 2
        return places.reshape(events, 2 * BODIES, places.shape[-1]), (np.abs(energy - energy[0]) <= DRIFT * kinetic).all(0)

    def masses(self, constants: Mapping[str, np.ndarray]) -> np.ndarray:
        """`[3, n]`."""
        return np.stack([constants[f'mass{body + 1}'] for body in range(BODIES)])

    def flown(self, constants: Mapping[str, np.ndarray], law: str, events: int) -> tuple[np.ndarray, np.ndarray]:
        """Places and velocities: `[T, 3, 2, n]` each."""
        mass = self.masses(constants)
        where, velocity = (
            np.stack([np.stack([constants[f'{name}{body + 1}{what}'] for name in 'xy']) for body in range(BODIES)])
            for what in ('', '_velocity')
        )

        def acceleration(where: np.ndarray) -> np.ndarray:
            pulled = np.zeros_like(where)
            for one, other in PAIRS:
                apart = where[other] - where[one]
                pulls = pull(apart[0] * apart[0] + apart[1] * apart[1] + self.softening**2, law) * apart
                pulled[one] += mass[other] * pulls
                pulled[other] -= mass[one] * pulls
            return pulled

        return integrated(where, velocity, acceleration, self.step, self.substeps, events)

    def energy(self, constants: Mapping[str, np.ndarray], law: str, places: np.ndarray, velocities: np.ndarray) -> np.ndarray:
        """The energy of all bodies: `[T, 3, 2, n]` each `-> [T, n]`."""
        mass = self.masses(constants)
        total = (mass[:, None] * velocities**2).sum((1, 2)) / 2
        for one, other in PAIRS:
            square = ((places[:, one] - places[:, other]) ** 2).sum(1) + self.softening**2
            total = total + mass[one] * mass[other] * potential(square, law)
        return total
