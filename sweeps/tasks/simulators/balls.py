"""balls: balls that bounce on a small board, seen but for a screen in front of some columns."""

import dataclasses
import functools
import itertools

import numpy as np

from sweeps.tasks.simulators.chain import Chain, chain_of
from sweeps.tasks.simulators.simulator import Simulator, check_share

LARGEST = 16
"""The most rows: a chain has four states a place, and its filter a square of these."""
COLOURS = 3
"""The most balls: each doubles the colours, because two may be in one place."""


@dataclasses.dataclass(frozen=True)
class Balls(Simulator):
    """`balls` balls on a board of `size` by `size` places; each moves one row and one column at each event.

    A ball that would leave the board turns round in that direction and keeps its row or column for this event. Balls pass
    through each other. With the probability `kick` a ball gets a new direction before it moves, one of four alike. Behind the
    `screen` middle columns a ball is not seen. Hidden is the `direction` in which a ball has moved last (or turned to).

    As pixels: 0 for nothing, sums of 1, 2 and 4 for the balls that are there, and one more colour for the screen. As symbols:
    row and column of each ball, or twice the sign for unseen.
    """

    size: int = 5
    balls: int = 2
    screen: int = 1
    kick: float = 0.1

    def __post_init__(self):
        if not (2 <= self.size <= LARGEST and 0 <= self.screen < self.size):
            raise ValueError(
                f"simulator 'balls': size={self.size} with screen={self.screen}; allowed: sizes of 2 to {LARGEST} and a "
                'screen of fewer columns; change one'
            )
        if not 1 <= self.balls <= COLOURS:
            raise ValueError(f"simulator 'balls': balls={self.balls}; allowed: 1 to {COLOURS}; change balls")
        check_share('balls', kick=self.kick)

    @property
    def parts(self) -> int:
        return self.balls

    @property
    def unseen(self) -> range:
        """The columns behind the screen."""
        first = (self.size - self.screen) // 2
        return range(first, first + self.screen)

    @functools.cached_property
    def chain(self) -> Chain:
        def bounced(place: int, way: int) -> tuple[int, int]:
            return (place + way, way) if 0 <= place + way < self.size else (place, -way)

        ways = list(itertools.product((-1, 1), repeat=2))
        odds = {True: 1 - self.kick + self.kick / len(ways), False: self.kick / len(ways)}
        steps, seen, direction = {}, {}, {}
        for row, column, way in itertools.product(range(self.size), range(self.size), ways):
            follow = []
            for new in ways:
                (below, down), (beside, right) = bounced(row, new[0]), bounced(column, new[1])
                follow.append(((below, beside, (down, right)), odds[new == way]))
            state = (row, column, way)
            steps[state] = follow
            seen[state] = self.size**2 if column in self.unseen else row * self.size + column
            direction[state] = ways.index(way)
        return chain_of(steps, seen, {'direction': direction})

    @property
    def scene(self) -> np.ndarray:
        scene = np.zeros((self.size, self.size), np.int64)
        scene[:, list(self.unseen)] = 2**self.balls
        return scene.reshape(-1)

    @functools.cached_property
    def marks(self) -> np.ndarray:
        places = np.eye(self.size**2 + 1, self.size**2, dtype=np.int64)
        return np.stack([places * 2**ball for ball in range(self.balls)])

    @functools.cached_property
    def words(self) -> np.ndarray:
        places = np.arange(self.size**2)
        return np.concatenate([np.stack([places // self.size, places % self.size], 1), [[self.size, self.size]]])

    @property
    def vocabulary(self) -> dict[str, int]:
        return {'pixels': 2**self.balls + (self.screen > 0), 'symbols': self.size + (self.screen > 0)}
