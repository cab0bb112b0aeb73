"""pendulums: a bob on a rod, left alone, damped or driven."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from sweeps.tasks.trajectories.motion import Motion, check_span

GRAVITY = 9.81
"""In m / s^2."""
DAMPING = (0.3, 1.0)
"""Of the damped ones, in 1 / s."""
DRIVE = (0.4, 0.8)
"""The torque of the driven ones at its height, as a share of the largest torque of gravity."""
RATIO = (0.5, 1.5)
"""The frequency of that torque, in units of that of small swings."""
FASTEST = 0.5
"""The most speed at the start, in units of the frequency of small swings."""


@dataclasses.dataclass(frozen=True)
class Pendulums(Motion):
    """angle'' = -g / l sin(angle), and -c angle' where damped, and a torque a g / l cos(w t + phase) where driven.

    Seen are the bob's places across and up, sin(angle) and -cos(angle), in units of the rod. Hidden are the rod's length l
    (`shortest` to `longest` metres), the damping c, the torque's a, w and phase, and the start: at rest or not, up to `swing`
    radians from below. The integrator is the leapfrog with half of the damping, exactly, before and after each step: symplectic
    where nothing is damped. `interval` is in seconds.
    """

    NAME = 'pendulums'
    LAWS = ('undamped', 'damped', 'driven')
    COORDINATES = ('across', 'up')
    REACH = 1.0

    laws: tuple = ('undamped', 'damped')
    interval: float = 0.15
    substeps: int = 16
    shortest: float = 0.5
    longest: float = 2.0
    swing: float = 2.5

    def __post_init__(self):
        super().__post_init__()
        check_span(self.NAME, shortest_longest=(self.shortest, self.longest))
        if not 0 < self.swing < np.pi:
            raise ValueError(
                f"motion '{self.NAME}': swing={self.swing}; allowed: above 0 and below pi, which is upright; change it"
            )

    def constants(self, generator: np.random.Generator, count: int) -> dict[str, np.ndarray]:
        length = generator.uniform(self.shortest, self.longest, count)
        frequency = np.sqrt(GRAVITY / length)
        return {
            'length': length,
            'angle': generator.uniform(-self.swing, self.swing, count),
            'rate': generator.uniform(-FASTEST, FASTEST, count) * frequency,
            'damping': generator.uniform(*DAMPING, count),
            'torque': generator.uniform(*DRIVE, count) * frequency**2,
            'drive': generator.uniform(*RATIO, count) * frequency,
            'phase': generator.uniform(0, 2 * np.pi, count),
        }

    def moved(self, constants: Mapping[str, np.ndarray], law: str, events: int) -> tuple[np.ndarray, np.ndarray]:
        angles, _ = self.swung(constants, law, events)
        return np.stack([np.sin(angles), -np.cos(angles)], 1), np.ones(angles.shape[1], bool)

    def swung(self, constants: Mapping[str, np.ndarray], law: str, events: int) -> tuple[np.ndarray, np.ndarray]:
        """Angles and their rates: `[T, n]` each."""
        step, strength = self.step, GRAVITY / constants['length']
        slowed = np.exp(-constants['damping'] * step / 2) if law == 'damped' else 1.0
        angle, rate = constants['angle'], constants['rate']
        angles, rates = (np.empty((events, len(angle))) for _ in range(2))

        def kick(angle: np.ndarray, number: int) -> np.ndarray:
            pull = -strength * np.sin(angle)
            if law == 'driven':
                pull = pull + constants['torque'] * np.cos(constants['drive'] * (number * step) + constants['phase'])
            return pull * (step / 2)

        push = kick(angle, 0)
        for event in range(events):
            angles[event], rates[event] = angle, rate
            for number in range(event * self.substeps, (event + 1) * self.substeps if event < events - 1 else 0):
                rate = rate * slowed + push
                angle = angle + step * rate
                push = kick(angle, number + 1)
                rate = (rate + push) * slowed
        return angles, rates
