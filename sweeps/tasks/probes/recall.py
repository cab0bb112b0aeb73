"""recall: multi-query associative recall, made by the lab."""

import dataclasses

import numpy as np

from arch.make import positive
from sweeps.tasks.probes.synthetic import Synthetic


@dataclasses.dataclass(frozen=True)
class Recall(Synthetic):
    """Multi-query associative recall (2312.04927): read `pairs` of key and value, then answer for each key asked.

    A sequence is k1 v1 k2 v2 ... and then all keys once more in random order; at an asked key the target is its value.
    Keys are drawn without repeats from `keys` tokens, values with repeats from `values` others; the vocabulary is both.

    Source: made by the lab, no licence. Split: 512 sealed examples, `train` + `held` others, each drawn by chance. Unlike those
    of the other probes they are not all different, so that one may come twice, on both sides of a split too. The two pairs of
    task recall make 1,792 sequences: 1,785 of them are in the pool, and 511 of the 512 test examples with them. So its score is
    on sequences that a model may have seen. With the four pairs of the default none came twice.

    Metric: share of right answers (higher is better); chance 1 / values. Two layers of attention reach 0.77 with two pairs in
    the 200 steps of task recall, 1.00 in 1,000 steps; without a mixer they stay at chance.
    """

    NAME = 'recall'
    REPEATS = True

    pairs: int = 4
    keys: int = 16
    values: int = 8

    def __post_init__(self):
        super().__post_init__()
        positive(self.NAME, values=self.values)
        if not 0 < self.pairs <= self.keys:
            raise ValueError(
                f'recall: pairs={self.pairs} with keys={self.keys}; allowed 1 to keys; give more keys or fewer pairs'
            )

    def difficulty(self) -> list[int]:
        """The bare numbers: seeds derived from them before fields had names, and findings depend on these data."""
        return [self.pairs, self.keys, self.values]

    def make(self, generator: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        keys = generator.permuted(np.tile(np.arange(self.keys), (count, 1)), axis=1)[:, : self.pairs]
        values = generator.integers(self.keys, self.keys + self.values, keys.shape)
        told = np.stack([keys, values], -1).reshape(count, -1)
        asked = generator.permuted(np.tile(np.arange(self.pairs), (count, 1)), axis=1)
        x = np.concatenate([told, np.take_along_axis(keys, asked, 1)], 1)
        y = np.concatenate([np.full(told.shape, -1), np.take_along_axis(values, asked, 1)], 1)
        return x.astype(np.int32), y.astype(np.int32)
