"""Chain: a hidden Markov chain with its exact filter, the law by which a simulator's hidden states follow each other."""

import dataclasses
import functools
from collections.abc import Hashable, Iterable, Mapping

import numpy as np

SETTLED = 2**16
"""Steps after which a chain is taken for stationary."""


@dataclasses.dataclass(frozen=True)
class Chain:
    """States that follow each other by chance, each seen as something that other states may look like too.

    `follow` `[S, K]`: the states that may follow a state. `odds` `[S, K]`: how likely each of them is; zeros fill up. `seen`
    `[S]`: the number of what is seen of a state. `hidden`: for each hidden variable its value in each state, `[S]`. A chain
    begins in its stationary distribution, so that all events are alike before anything is seen.
    """

    follow: np.ndarray
    odds: np.ndarray
    seen: np.ndarray
    hidden: Mapping[str, np.ndarray]

    @functools.cached_property
    def moves(self) -> np.ndarray:
        """The probability of going from one state to another: `[S, S]`."""
        moves = np.zeros((len(self.follow),) * 2)
        np.add.at(moves, (np.arange(len(moves))[:, None], self.follow), self.odds)
        return moves

    @functools.cached_property
    def start(self) -> np.ndarray:
        """The stationary distribution that is reached from equally likely states: `[S]`."""
        # A chain that stays where it is half of the time has the same one, and settles also where the states take turns.
        lazy = (self.moves + np.eye(len(self.moves))) / 2
        start = np.linalg.matrix_power(lazy, SETTLED).mean(0)
        return start / start.sum()

    def alone(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """States that have nothing to do with each other, each of the stationary distribution."""
        return np.minimum(np.searchsorted(np.cumsum(self.start), generator.random(shape), 'right'), len(self.start) - 1)

    def walk(self, generator: np.random.Generator, count: int, length: int) -> np.ndarray:
        """Random chains of states: `[count, length]`."""
        states = np.empty((count, length), np.int64)
        states[:, 0] = self.alone(generator, (count,))
        below = np.cumsum(self.odds, 1)
        for place in range(1, length):
            before = states[:, place - 1]
            step = (generator.random(count)[:, None] >= below[before, :-1]).sum(1)
            states[:, place] = self.follow[before, step]
        return states

    def bits(self, seen: np.ndarray, horizon: int = 1) -> np.ndarray:
        """Bits of each event under the exact filter, given those before it: `[n, T] -> [n, T - 1]`, the first one left out.

        The last event comes `horizon` events after the one before it. Raises ValueError where something can't be seen.
        """
        told = np.empty((len(seen), seen.shape[1] - 1))
        belief = self._seeing(self.start[None], seen[:, 0])[0]
        for place in range(1, seen.shape[1]):
            steps = horizon if place == seen.shape[1] - 1 else 1
            belief, told[:, place - 1] = self._seeing(belief @ np.linalg.matrix_power(self.moves, steps), seen[:, place])
        return told

    def beliefs(self, seen: np.ndarray, variable: str) -> np.ndarray:
        """The probability of each value of a hidden variable after each event: `[n, T] -> [n, T, V]`."""
        values = np.eye(self.hidden[variable].max() + 1)[self.hidden[variable]]
        belief, told = self._seeing(self.start[None], seen[:, 0])[0], []
        for place in range(seen.shape[1]):
            belief = self._seeing(belief @ self.moves, seen[:, place])[0] if place else belief
            told.append(belief @ values)
        return np.stack(told, 1)

    def guesses(self, variable: str) -> np.ndarray:
        """The likeliest value of a hidden variable by what is seen at one event alone: `[seen]`."""
        joint = np.zeros((self.seen.max() + 1, self.hidden[variable].max() + 1))
        np.add.at(joint, (self.seen, self.hidden[variable]), self.start)
        return joint.argmax(1)

    def _seeing(self, expected: np.ndarray, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The belief after an event, `[n, S]`, and the event's bits, `[n]`."""
        belief = np.where(self.seen == seen[:, None], expected, 0)
        whole = belief.sum(1)
        if not (whole > 0).all():
            raise ValueError(f'{int((whole <= 0).sum())} of {len(seen)} episodes have an event that cannot follow; give others')
        return belief / whole[:, None], -np.log2(whole)

    def alone_bits(self, seen: np.ndarray) -> np.ndarray:
        """Bits of each event for who knows the simulator but no event before: those of the marginal. `[...] -> [...]`"""
        return -np.log2(np.bincount(self.seen, self.start)[seen])


def chain_of(steps: Mapping[Hashable, Iterable[tuple[Hashable, float]]], seen: Mapping, hidden: Mapping[str, Mapping]) -> Chain:
    """A chain from {state: [(next state, probability), ...]}, with what is seen of each state and its hidden variables.

    >>> one = chain_of({'a': [('b', 1.0)], 'b': [('a', 0.5), ('b', 0.5)]}, {'a': 0, 'b': 0}, {'which': {'a': 0, 'b': 1}})
    >>> one.start.round(3).tolist(), one.follow.tolist()
    ([0.333, 0.667], [[1, 1], [0, 1]])
    """
    number = {state: place for place, state in enumerate(steps)}
    merged = []
    for follow in steps.values():
        odds: dict[int, float] = {}
        for state, probability in follow:
            odds[number[state]] = odds.get(number[state], 0.0) + probability
        merged.append({state: share for state, share in odds.items() if share > 0})
    widest = max(map(len, merged))
    follow = np.array([[*odds, *[max(odds)] * (widest - len(odds))] for odds in merged])
    chances = np.array([[*odds.values(), *[0.0] * (widest - len(odds))] for odds in merged])
    values = {name: np.array([told[state] for state in steps]) for name, told in hidden.items()}
    return Chain(follow, chances, np.array([seen[state] for state in steps]), values)
