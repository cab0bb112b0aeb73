"""facts: what was told of single things, asked again in other surroundings: memory in parameters."""

import dataclasses

import numpy as np

from ablations.seeds import derive
from arch.make import positive
from sweeps.tasks.arrays import Arrays, split_by_group
from sweeps.tasks.kind import Kind
from sweeps.tasks.losses import answers
from sweeps.tasks.probes.synthetic import SEALED_SHARE, fingerprints

FILLERS = 8
"""Tokens that mean nothing."""
VALUES = 4
PLACES = 3
"""Fillers in an example."""


@dataclasses.dataclass(frozen=True)
class Facts(Kind):
    """A chapter of facts: to each key of two tokens belongs one of four values, which only training can tell.

    An example is a filler, a key, two fillers and the mark that asks; the value is the target of the mark. Keys have tokens
    of `names` names, and no two chapters share a key, so that chapters taught in turn are a probe of what was learned how long
    ago (`lessons` of docs/lessons.md). The same fact with other fillers is another example.

    Source: made by the lab, no licence. Split: of each fact an eighth of the 512 fillings, by their hash, is sealed; each
    replicate draws `held` and `train` (0: all others) of the rest, so that every fact may be told and asked. Metric: share of
    right answers (higher is better), margin 0.02; chance 1 / 4.
    """

    chapter: int = 1
    facts: int = 24
    names: int = 16
    train: int = 0
    held: int = 96

    NAME, METRIC = 'facts', ('accuracy', 'higher')

    losses = staticmethod(answers)

    def __post_init__(self):
        positive(self.NAME, chapter=self.chapter, facts=self.facts, names=self.names, held=self.held)
        if self.train < 0:
            raise ValueError(f"task 'facts': train={self.train}; allowed: 0 (all) or more; raise it")
        if self.chapter * self.facts > self.names**2:
            raise ValueError(
                f"task 'facts': chapter={self.chapter} of facts={self.facts} needs {self.chapter * self.facts} keys, and "
                f'{self.names} names make {self.names**2}; give more names, or fewer facts'
            )

    @property
    def domain_name(self) -> str:
        return f'chapter_{self.chapter}'

    def token_count(self) -> int:
        return self.names + FILLERS + 1 + VALUES

    def labels(self) -> int:
        return self.token_count()

    def pool(self) -> Arrays:
        return self._told(sealed=False)

    def test(self) -> Arrays:
        return self._told(sealed=True)

    def split(self, pool: Arrays, seed: int) -> tuple[np.ndarray, np.ndarray]:
        return split_by_group(pool, seed, self.held, self.train)

    def _table(self) -> tuple[np.ndarray, np.ndarray]:
        """The keys of the chapter, `[facts, 2]`, and their values, `[facts]`."""
        generator = np.random.default_rng(derive(self.NAME, self.names))
        keys, values = generator.permutation(self.names**2), generator.integers(0, VALUES, self.names**2)
        chosen = keys[(self.chapter - 1) * self.facts : self.chapter * self.facts]
        return np.stack(np.divmod(chosen, self.names), 1), values[chosen]

    def _told(self, sealed: bool) -> Arrays:
        keys, values = self._table()
        fact, filling = (part.ravel() for part in np.mgrid[: self.facts, : FILLERS**PLACES])
        fillers = self.names + np.stack(np.unravel_index(filling, (FILLERS,) * PLACES), 1)
        mark = np.full((len(fact), 1), self.names + FILLERS)
        x = np.concatenate([fillers[:, :1], keys[fact], fillers[:, 1:], mark], 1)
        chosen = (fingerprints(x) % SEALED_SHARE == 0) == sealed
        y = np.full(x.shape, -1, np.int32)
        y[:, -1] = self.names + FILLERS + 1 + values[fact]
        return Arrays(x[chosen].astype(np.int32), y[chosen], np.flatnonzero(chosen))
