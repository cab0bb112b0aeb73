"""Automata: sources of regular languages whose entropy is known exactly."""

import dataclasses

import numpy as np

from ablations.seeds import derive

LANGUAGES = ('random', 'golden_mean', 'even', 'brackets')


@dataclasses.dataclass(frozen=True)
class Automaton:
    """A deterministic automaton as a source: each state emits one of its symbols, all equally likely.

    `follow` `[states, symbols]` is the state after a symbol, or -1 for a symbol that a state does not have. The first state is
    0. Given the automaton, the symbols so far determine the state.

    >>> golden_mean = automaton('golden_mean', 2, 2, 0)
    >>> golden_mean.follow.tolist(), round(golden_mean.entropy_rate(), 3)
    ([[0, 1], [0, -1]], 0.667)
    """

    follow: np.ndarray

    @property
    def choices(self) -> np.ndarray:
        """How many symbols each state allows: `[states]`."""
        return (self.follow >= 0).sum(1)

    @property
    def moves(self) -> np.ndarray:
        """The probability of going from one state to another: `[states, states]`."""
        moves = np.zeros((len(self.follow),) * 2)
        states, symbols = np.nonzero(self.follow >= 0)
        np.add.at(moves, (states, self.follow[states, symbols]), 1 / self.choices[states])
        return moves

    def entropy_rate(self) -> float:
        """Bits per symbol of endless strings: sum over states of stationary probability times log2 of the choices."""
        equations = np.concatenate([self.moves.T - np.eye(len(self.follow)), np.ones((1, len(self.follow)))])
        stationary = np.linalg.lstsq(equations, np.eye(len(equations))[-1], rcond=None)[0]
        return float(stationary @ np.log2(self.choices))

    def entropy(self, length: int) -> float:
        """Bits per symbol of the `length` symbols after the first: the average score of the best possible model."""
        state, total = self.moves[0], 0.0
        for _ in range(length):
            total, state = total + state @ np.log2(self.choices), state @ self.moves
        return float(total / length)

    def walk(self, generator: np.random.Generator, count: int, length: int) -> np.ndarray:
        """Random strings: `[count, length]` of symbols."""
        allowed = np.argsort(self.follow < 0, 1, kind='stable')
        symbols, state = np.empty((count, length), np.int32), np.zeros(count, np.int64)
        for place in range(length):
            symbols[:, place] = allowed[state, (generator.random(count) * self.choices[state]).astype(np.int64)]
            state = self.follow[state, symbols[:, place]]
        return symbols

    def states(self, symbols: np.ndarray) -> np.ndarray:
        """The state after each symbol, -1 from the first symbol on that is not allowed: `[n, length] -> [n, length]`."""
        after, state = np.empty(symbols.shape, np.int64), np.zeros(len(symbols), np.int64)
        for place in range(symbols.shape[1]):
            state = np.where(state < 0, -1, self.follow[state, symbols[:, place]])
            after[:, place] = state
        return after


def automaton(language: str, states: int, symbols: int, number: int) -> Automaton:
    """The automaton of a language.

    random        `states` states; each allows 2 to `symbols` symbols and one of these leads to the next state, so that all
                  states recur; `number` tells one random automaton from another
    golden_mean   two symbols, never 1 twice in a row; 2/3 bit per symbol
    even          two symbols, 1 in runs of even length only; 2/3 bit per symbol; no finite memory of symbols is enough
    brackets      two symbols, open and close, nested at most `states - 1` deep; 1 - 1 / (`states` - 1) bit per symbol

    Raises ValueError on another language and on sizes that do not fit it.
    """
    if language not in LANGUAGES:
        raise ValueError(f"language '{language}'; allowed: {list(LANGUAGES)}; choose one")
    if states < 2 or symbols < 2:
        raise ValueError(f'a language of {states} states and {symbols} symbols; allowed: from 2 of each up; raise them')
    if language != 'random' and symbols != 2:
        raise ValueError(f"language '{language}' with symbols={symbols}; allowed: 2; set symbols=2")
    if language in ('golden_mean', 'even') and states != 2:
        raise ValueError(f"language '{language}' with states={states}; allowed: 2; set states=2")
    if language == 'golden_mean':
        return Automaton(np.array([[0, 1], [0, -1]]))
    if language == 'even':
        return Automaton(np.array([[0, 1], [-1, 0]]))
    if language == 'brackets':
        depth = np.arange(states)
        return Automaton(np.stack([np.where(depth + 1 < states, depth + 1, -1), depth - 1], 1))
    generator = np.random.default_rng(derive('automaton', states, symbols, number))
    follow = generator.integers(0, states, (states, symbols))
    order = generator.permuted(np.tile(np.arange(symbols), (states, 1)), axis=1)
    np.put_along_axis(follow, order[:, :1], (np.arange(states)[:, None] + 1) % states, 1)
    rank = np.argsort(order, 1)
    return Automaton(np.where(rank < generator.integers(2, symbols + 1, (states, 1)), follow, -1))
