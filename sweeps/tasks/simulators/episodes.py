"""Episodes: what was seen of a simulator event by event, and the states behind it; the same for all that is asked of them."""

import dataclasses

import numpy as np

from ablations.seeds import derive
from sweeps.tasks.arrays import Arrays
from sweeps.tasks.probes.synthetic import SEALED_SHARE, Synthetic, fingerprints
from sweeps.tasks.simulators.balls import Balls
from sweeps.tasks.simulators.simulator import Simulator

BALLS = Balls()


@dataclasses.dataclass(frozen=True)
class Episodes(Synthetic):
    """`events` events of a simulator; the last one comes `horizon` events after the one before it.

    `x` is what was seen `[n, T parts]`, `y` the states `[n, T parts]`. Seeds derive from the simulator's rule, `events`,
    `horizon` and `linked`, and an episode is sealed by what is seen of it. So the same episodes are there in both forms of
    writing, and for questions about what comes next and about what is hidden. Where they are not `linked`, each event and each
    state is drawn by itself, so that nothing tells of anything: a control.

    An episode may come more than once: were they all different, likely ones would be too rare, and the exact filter would not
    be the best any more. Equal ones share a group. Raises ValueError where a rule makes too few different ones.
    """

    NAME = 'episodes'
    SPARE = 64

    simulator: Simulator = BALLS
    events: int = 8
    horizon: int = 1
    linked: bool = True

    def make(self, generator: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        chain, parts = self.simulator.chain, self.simulator.parts
        shape = (count, self.events, parts)
        if self.linked:
            walks = [chain.walk(generator, count, self.events - 1 + self.horizon) for _ in range(parts)]
            states = hidden = np.stack(walks, -1)[:, [*range(self.events - 1), -1]]
        else:
            states, hidden = chain.alone(generator, shape), chain.alone(generator, shape)
        seen, hidden = (part.reshape(count, -1).astype(np.int32) for part in (chain.seen[states], hidden))
        return seen, hidden

    def _draw(self, sealed: bool, count: int) -> Arrays:
        generator = np.random.default_rng(derive(self.NAME, 'test' if sealed else 'pool', *self.difficulty()))
        x, y = self.make(generator, 2 * count * (SEALED_SHARE if sealed else 1))
        chosen = np.flatnonzero((fingerprints(x) % SEALED_SHARE == 0) == sealed)[:count]
        x, y = x[chosen], y[chosen]
        _, group, times = np.unique(fingerprints(x), return_inverse=True, return_counts=True)
        if len(x) < count or 2 * len(times) < count or times.max() > self.SPARE:
            raise ValueError(
                f'{len(times)} different episodes of {self.simulator}, one of them {max(times, default=0)} times, for '
                f'{"a test split" if sealed else "a pool"} of {count}; allowed: half of them different and each at most '
                f'{self.SPARE} times; give more events, more chance or a larger simulator, or ask for fewer'
            )
        return Arrays(x, y, group, self.SCALE)

    def apart(self, rows: np.ndarray) -> np.ndarray:
        """Rows of `x` or `y` by event and part: `[n, T parts] -> [n, T, parts]`."""
        return rows.reshape(len(rows), self.events, self.simulator.parts)
