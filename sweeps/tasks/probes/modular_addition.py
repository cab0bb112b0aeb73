"""modular_addition: the table of a + b modulo a number, part of it given."""

import dataclasses

import numpy as np

from sweeps.tasks.probes.synthetic import Synthetic

MIRRORS = ('together', 'apart')


@dataclasses.dataclass(frozen=True)
class ModularAddition(Synthetic):
    """Addition modulo `modulus`, as in the study of grokking (2201.02177, 2301.05217): fill in the rest of a table.

    A sequence is a, b and a mark, where the target is (a + b) mod `modulus`; the vocabulary is the numbers and the mark.
    Training, tuning-validation and test examples are different pairs of the one table. With `mirrors='together'` a + b and
    b + a are always in the same split, so that knowing that addition commutes earns nothing; 'apart' splits ordered pairs,
    as published.

    Source: made by the lab, no licence. Split: 256 sealed pairs, `train` + `held` others; each value of `modulus` has its own
    table of `modulus` squared pairs. Metric: share of right sums (higher is better), margin 0.02; chance 1 / modulus. With
    most of the table given (2,560 of 3,481 pairs) one layer of attention and weight decay solve it (small base: 0.59 after
    2,000 steps, 1.000 after 4,000). Published with modulus 113 and 30 % of the pairs: training pairs are known by heart long
    before others are right, which takes some 10,000 steps. A model without a mixer sees only the mark and stays at chance.
    """

    NAME = 'modular_addition'
    TEST = 256
    SPARE = 1

    modulus: int = 59
    mirrors: str = 'together'
    train: int = 2560
    held: int = 256

    def __post_init__(self):
        super().__post_init__()
        if self.modulus < 2:
            raise ValueError(f'modular_addition: modulus={self.modulus}; allowed: from 2 up; raise it')
        if self.mirrors not in MIRRORS:
            raise ValueError(f"modular_addition: mirrors='{self.mirrors}'; allowed: {list(MIRRORS)}; choose one")

    def identity(self, x: np.ndarray) -> np.ndarray:
        return np.sort(x[:, :2], 1) if self.mirrors == 'together' else x[:, :2]

    def make(self, generator: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The whole table in random order, whatever `count` is."""
        pairs = generator.permutation(np.indices((self.modulus, self.modulus)).reshape(2, -1).T)
        x = np.concatenate([pairs, np.full((len(pairs), 1), self.modulus)], 1).astype(np.int32)
        y = np.full(x.shape, -1, np.int32)
        y[:, -1] = pairs.sum(1) % self.modulus
        return x, y
