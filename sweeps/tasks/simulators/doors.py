"""doors: two rooms, a door between them, a key that opens it, and somebody with a wish that is not shown."""

import dataclasses
import functools
import itertools
from collections.abc import Iterator

import numpy as np

from sweeps.tasks.simulators.chain import Chain, chain_of
from sweeps.tasks.simulators.simulator import Simulator, check_share

FLOOR, WALL, DOOR, WALKER, KEY = range(5)
WAYS = ((0, 1), (0, -1), (1, 0), (-1, 0))
"""East, west, south, north; a walker's mode is the number of the first or of the second way."""
LARGEST = 16
"""The most places of a room: a chain has about four times the square of it as states, and its filter a square of these."""

Place = tuple[int, int]
State = tuple[Place, Place | None, int]
"""Where the walker is, where the key lies (None: it is held), and the mode."""


@dataclasses.dataclass(frozen=True)
class Doors(Simulator):
    """A walker in two rooms of `rows` by `columns` places, east and west of a wall with a door in its middle row.

    Hidden are the walker's `mode`, whether it wishes to go east or west, and whether it holds the `key`. At each event the
    mode flips with the probability `flip`. Then the walker steps: with the probability `steady` as it wishes, else in any of
    four ways alike. Walls stop it, and so does the door unless it holds the key. Stopped on the way that it wishes, it turns
    round: the mode flips. It picks up the key by stepping on it. When it steps from the door into a room, the key falls on
    another place of that room, all alike. A key that lies is seen from its own row and its own column alone.

    As pixels: one colour each for floor, wall, door, walker and key. As symbols: row and column of the walker and of the
    key, or twice the sign for unseen.
    """

    rows: int = 3
    columns: int = 2
    steady: float = 0.5
    flip: float = 0.05

    def __post_init__(self):
        if not (self.rows >= 1 and self.columns >= 1 and 2 <= self.rows * self.columns <= LARGEST):
            raise ValueError(
                f"simulator 'doors': rows={self.rows} with columns={self.columns}; allowed: rooms of 2 to {LARGEST} "
                'places; change one'
            )
        check_share('doors', steady=self.steady, flip=self.flip)

    @property
    def width(self) -> int:
        """The columns of both rooms and of the wall."""
        return 2 * self.columns + 1

    @property
    def door(self) -> Place:
        return self.rows // 2, self.columns

    def room(self, place: Place) -> list[Place]:
        """The other places of the room that a place is in."""
        first = 0 if place[1] < self.columns else self.columns + 1
        places = itertools.product(range(self.rows), range(first, first + self.columns))
        return [other for other in places if other != place]

    def states(self) -> Iterator[State]:
        """All states, in the order of the chain."""
        for walker in itertools.product(range(self.rows), range(self.width)):
            if walker == self.door:
                yield from ((walker, None, mode) for mode in (0, 1))
            elif walker[1] != self.columns:
                yield from ((walker, key, mode) for key in (None, *self.room(walker)) for mode in (0, 1))

    def moved(self, state: State, way: int) -> list[State]:
        """The states, all alike, after a step in one way."""
        walker, key, mode = state
        ahead = (walker[0] + WAYS[way][0], walker[1] + WAYS[way][1])
        inside = 0 <= ahead[0] < self.rows and 0 <= ahead[1] < self.width
        if not inside or (ahead[1] == self.columns and (ahead != self.door or key is not None)):
            return [(walker, key, 1 - mode if way == mode else mode)]
        if walker == self.door:
            return [(ahead, place, mode) for place in self.room(ahead)]
        return [(ahead, None if key == ahead else key, mode)]

    def follow(self, state: State) -> Iterator[tuple[State, float]]:
        """The states that may follow a state, each with a probability; one may come more than once."""
        walker, key, mode = state
        for wish, way in itertools.product((0, 1), range(len(WAYS))):
            odds = self.flip if wish != mode else 1 - self.flip
            odds *= (1 - self.steady) / len(WAYS) + (self.steady if way == wish else 0)
            moved = self.moved((walker, key, wish), way)
            yield from ((one, odds / len(moved)) for one in moved)

    @functools.cached_property
    def chain(self) -> Chain:
        states = list(self.states())
        seen = {state: self.sights.index(self.sight(state)) for state in states}
        hidden = {'mode': {state: state[2] for state in states}, 'key': {state: int(state[1] is None) for state in states}}
        return chain_of({state: self.follow(state) for state in states}, seen, hidden)

    @staticmethod
    def sight(state: State) -> tuple[Place, Place | None]:
        """What is seen of a state: the walker, and the key if it lies in its row or column."""
        walker, key, _ = state
        return walker, key if key and (key[0] == walker[0] or key[1] == walker[1]) else None

    @functools.cached_property
    def sights(self) -> list[tuple[Place, Place | None]]:
        """All that may be seen, in the order of its numbers."""
        return list(dict.fromkeys(map(self.sight, self.states())))

    @property
    def scene(self) -> np.ndarray:
        scene = np.full((self.rows, self.width), FLOOR)
        scene[:, self.columns] = WALL
        scene[self.door] = DOOR
        return scene.reshape(-1)

    @functools.cached_property
    def marks(self) -> np.ndarray:
        pictures = np.tile(self.scene.reshape(self.rows, self.width), (len(self.sights), 1, 1))
        for picture, (walker, key) in zip(pictures, self.sights, strict=True):
            picture[walker] = WALKER
            if key is not None:
                picture[key] = KEY
        return pictures.reshape(1, len(pictures), -1) - self.scene

    @functools.cached_property
    def words(self) -> np.ndarray:
        unseen = (self.vocabulary['symbols'] - 1,) * 2
        return np.array([[*walker, *(unseen if key is None else key)] for walker, key in self.sights])

    @property
    def vocabulary(self) -> dict[str, int]:
        return {'pixels': 5, 'symbols': max(self.rows, self.width) + 1}
