"""Simulator: a rule by which episodes are made, whose events can be written as pixels or as symbols."""

import abc
import dataclasses

import numpy as np

from sweeps.tasks.simulators.chain import Chain

FORMS = ('pixels', 'symbols')


@dataclasses.dataclass(frozen=True)
class Simulator(abc.ABC):
    """A made thing with a hidden state, of which each event shows an observation.

    It has `parts` that know nothing of each other and follow one chain each. An observation is what is seen of all parts,
    `[parts]` numbers. It is written as a picture or as a sentence, token by token; either tells all of it and nothing else, so
    that the bits of an observation are those of its tokens in both. A simulator gives the tables of both writings; a field is
    a part of its rule. (A simulated world, in which the lab is calibrated, is another thing.)
    """

    parts = 1

    @property
    @abc.abstractmethod
    def chain(self) -> Chain:
        """The law of one part."""

    @property
    @abc.abstractmethod
    def scene(self) -> np.ndarray:
        """The picture without any part, row by row: `[pixels]`."""

    @property
    @abc.abstractmethod
    def marks(self) -> np.ndarray:
        """What each part adds to the scene, by what is seen of it: `[parts, seen, pixels]`."""

    @property
    @abc.abstractmethod
    def words(self) -> np.ndarray:
        """The words that say what is seen of a part: `[seen, words]`."""

    @property
    @abc.abstractmethod
    def vocabulary(self) -> dict[str, int]:
        """The number of different tokens of each form."""

    @property
    def observations(self) -> int:
        """The number of observations that there are: a uniform guess among them costs its logarithm, in either form."""
        return len(np.unique(self.chain.seen)) ** self.parts

    def written(self, seen: np.ndarray, form: str) -> np.ndarray:
        """Observations as tokens of one form: `[..., parts] -> [..., tokens]`, int32."""
        if form == 'symbols':
            return self.words[seen].reshape(*seen.shape[:-1], -1).astype(np.int32)
        added = sum(self.marks[part][seen[..., part]] for part in range(self.parts))
        return (self.scene + added).astype(np.int32)

    def bits(self, seen: np.ndarray, horizon: int = 1) -> np.ndarray:
        """Bits of each observation but the first under the exact filter: `[n, T, parts] -> [n, T - 1]`; see `Chain.bits`."""
        return sum(self.chain.bits(seen[..., part], horizon) for part in range(self.parts))

    def alone_bits(self, seen: np.ndarray) -> np.ndarray:
        """Bits of each observation for who sees no other: `[n, T, parts] -> [n, T]`."""
        return self.chain.alone_bits(seen).sum(-1)


def check_share(kind: str, **values: float) -> None:
    """Raise ValueError for the first of `values` that is no probability."""
    for name, value in values.items():
        if not 0 <= value <= 1:
            raise ValueError(f"simulator '{kind}': {name}={value}; allowed: 0 to 1; change {name}")
