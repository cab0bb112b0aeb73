"""Profile HMM: protein families as hidden Markov models over residues, with the exact bits of what they emit."""

import dataclasses
import functools

import numpy as np

from ablations.seeds import derive

PER_MILLE = {
    **{'A': 78.05, 'C': 19.25, 'D': 53.64, 'E': 62.95, 'F': 38.56, 'G': 73.77, 'H': 21.99, 'I': 51.42, 'K': 57.44, 'L': 90.19},
    **{'M': 22.43, 'N': 44.87, 'P': 52.03, 'Q': 42.64, 'R': 51.29, 'S': 71.20, 'T': 58.41, 'V': 64.41, 'W': 13.30, 'Y': 32.16},
}
"""How often each amino acid stands in proteins, of a thousand residues: Robinson and Robinson, PNAS 88 (1991) 8880."""
RESIDUES = ''.join(PER_MILLE)
CONSERVED, VARIABLE = 0.95, 0.4
"""How often a match state emits its own residue, at a conserved position and at another; else one of the background."""
EXTENSION = 0.5
"""How often an insertion goes on by one more residue."""
SETTLED = 2**16
"""Steps after which a chain is taken for stationary."""


@dataclasses.dataclass(frozen=True)
class HiddenMarkovModel:
    """States that follow each other by chance, each of which emits a symbol by chance.

    `moves` `[S, S]`: the probability of going from one state to another. `emits` `[S, V]`: that of each symbol in a state. It
    begins in its stationary distribution, so that all places of a sequence are alike before anything is seen.
    """

    moves: np.ndarray
    emits: np.ndarray

    @functools.cached_property
    def start(self) -> np.ndarray:
        """The stationary distribution that is reached from equally likely states: `[S]`."""
        # A chain that stays where it is half of the time has the same one, and settles also where the states take turns.
        lazy = (self.moves + np.eye(len(self.moves))) / 2
        start = np.linalg.matrix_power(lazy, SETTLED).mean(0)
        return start / start.sum()

    @property
    def marginal(self) -> np.ndarray:
        """The probability of each symbol before anything is seen: `[V]`."""
        return self.start @ self.emits

    def walk(self, generator: np.random.Generator, count: int, length: int) -> np.ndarray:
        """Random sequences of symbols: `[count, length]`."""
        symbols = np.empty((count, length), np.int32)
        state = _drawn(generator, np.broadcast_to(self.start, (count, len(self.start))))
        for place in range(length):
            symbols[:, place] = _drawn(generator, self.emits[state])
            state = _drawn(generator, self.moves[state])
        return symbols

    def alone(self, generator: np.random.Generator, count: int, length: int) -> np.ndarray:
        """Symbols that have nothing to do with each other, each of the marginal: `[count, length]`."""
        return _drawn(generator, np.broadcast_to(self.marginal, (count, length, self.emits.shape[1]))).astype(np.int32)

    def bits(self, symbols: np.ndarray) -> np.ndarray:
        """Bits of each symbol given those before it, by the forward algorithm (Rabiner 1989): `[n, L] -> [n, L]`.

        With f_1(s) = p(s) and f_t+1(s) = sum_r p(s | r) p(r | x_1 .. x_t), the bits of x_t are -log2 sum_s f_t(s) p(x_t | s).
        No model needs fewer on average. Raises ValueError where a symbol can't be emitted.
        """
        told, expected = np.empty(symbols.shape), np.broadcast_to(self.start, (len(symbols), len(self.start)))
        for place in range(symbols.shape[1]):
            joint = expected * self.emits[:, symbols[:, place]].T
            whole = joint.sum(1)
            if not (whole > 0).all():
                raise ValueError(
                    f'{int((whole <= 0).sum())} of {len(symbols)} sequences have a symbol that cannot follow; give others'
                )
            told[:, place] = -np.log2(whole)
            expected = (joint / whole[:, None]) @ self.moves
        return told


def _drawn(generator: np.random.Generator, chances: np.ndarray) -> np.ndarray:
    """A number for each row of probabilities: `[..., V] -> [...]`."""
    below = np.cumsum(chances, -1)
    # The last sum may be a little less than one.
    return (generator.random(chances.shape[:-1])[..., None] >= below[..., :-1]).sum(-1)


def background() -> np.ndarray:
    """The probability of each of RESIDUES in proteins at large: `[20]`."""
    shares = np.array([*PER_MILLE.values()])
    return shares / shares.sum()


def families(
    count: int, positions: int, conserved: float, insertion: float, deletion: float, linker: float, number: int
) -> HiddenMarkovModel:
    """Domains of `count` protein families, one after the other, with residues of the background between them.

    A family is a profile HMM (Krogh et al., J. Mol. Biol. 235 (1994) 1501): a match state for each of its `positions`. Each has
    a residue of its own, which it emits in CONSERVED of the cases at a share `conserved` of the positions, in VARIABLE at the
    others. Behind a match state an insertion begins with the probability `insertion`, goes on with EXTENSION and emits the
    background. Each match state is left out with the probability `deletion`. Between two domains stand `linker` residues on
    average. `number` tells one set of families from another.

    >>> families(2, 3, 0.5, 0.1, 0.1, 4.0, 0).moves.shape
    (11, 11)
    """
    generator, shares = np.random.default_rng(derive('families', count, positions, number)), background()
    size = 2 * positions - 1
    moves, emits = np.zeros((1 + count * size,) * 2), np.tile(shares, (1 + count * size, 1))
    moves[0, 0] = 1 - 1 / linker
    for first in range(1, len(moves), size):
        # Match states, then the insertions behind all of them but the last; after the last comes the linker.
        match = [*range(first, first + positions), 0]
        ahead = np.zeros((positions + 1, len(moves)))
        ahead[-1, 0] = 1
        for place in reversed(range(positions)):
            ahead[place] = deletion * ahead[place + 1]
            ahead[place, match[place]] += 1 - deletion
        moves[0] += ahead[0] / linker / count
        for place in range(positions - 1):
            inserted = first + positions + place
            moves[match[place]] = (1 - insertion) * ahead[place + 1]
            moves[match[place], inserted] += insertion
            moves[inserted] = (1 - EXTENSION) * ahead[place + 1]
            moves[inserted, inserted] += EXTENSION
        moves[match[positions - 1]] = ahead[-1]
        own = np.eye(len(shares))[generator.choice(len(shares), positions, p=shares)]
        firm = generator.permutation(positions) < round(conserved * positions)
        weight = np.where(firm, CONSERVED, VARIABLE)[:, None]
        emits[first : first + positions] = weight * own + (1 - weight) * shares
    return HiddenMarkovModel(moves, emits)
