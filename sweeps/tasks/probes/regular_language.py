"""regular_language: strings of a finite automaton, symbol by symbol."""

import dataclasses

import numpy as np

from arch.make import positive
from sweeps.tasks.arrays import Arrays
from sweeps.tasks.losses import BITS_PER_NAT, next_token
from sweeps.tasks.probes.automata import Automaton, automaton
from sweeps.tasks.probes.synthetic import Synthetic


@dataclasses.dataclass(frozen=True)
class RegularLanguage(Synthetic):
    """Next-symbol prediction of a source with a known best possible score.

    A sequence is `length` + 1 symbols of an automaton (see `automata.py`) that starts in its first state; all but the first
    are predicted. The vocabulary is `symbols`.

    Source: made by the lab, no licence. Split: 512 sealed sequences, `train` + `held` others, all different. Metric: bits per
    symbol (lower is better), margin 0.01; chance log2(symbols). The best possible model scores `least_bits`: 1.721 on average
    for the default, a random automaton of eight states. In 1,000 steps small models of two layers reach 1.95 without a mixer
    (from pairs of symbols), 1.93 by attention, 1.87 by a convolution over five symbols (the base) and 1.83 by a selective
    state space.
    """

    NAME = 'regular_language'
    METRIC, SCALE = ('bits', 'lower'), BITS_PER_NAT

    language: str = 'random'
    states: int = 8
    symbols: int = 4
    number: int = 0
    length: int = 32

    losses = staticmethod(next_token)

    def __post_init__(self):
        super().__post_init__()
        positive(self.NAME, length=self.length)
        _ = self.automaton

    @property
    def automaton(self) -> Automaton:
        return automaton(self.language, self.states, self.symbols, self.number)

    def messages(self, sealed: bool) -> list[bytes]:
        """The sequences, a byte for each symbol; the first one is given."""
        arrays = self.test() if sealed else self.pool()
        return [row.tobytes() for row in np.concatenate([arrays.x[:, :1], arrays.y], 1).astype(np.uint8)]

    def given(self) -> int:
        return 1

    def bits_per_byte(self) -> float:
        return 1.0

    def least_bits(self, sealed: bool = True) -> float:
        """Bits per symbol of the source over sequences of this length: the average score of the best possible model."""
        return self.automaton.entropy(self.length)

    def bits_of_source(self, arrays: Arrays) -> float:
        """The score of the source itself on these examples, in bits per symbol."""
        return float(np.log2(self.automaton.choices[self.automaton.states(arrays.x)]).mean())

    def make(self, generator: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        symbols = self.automaton.walk(generator, count, self.length + 1)
        return symbols[:, :-1], symbols[:, 1:]
