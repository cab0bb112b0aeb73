"""recall: multi-query associative recall, made by the lab."""

import dataclasses

import numpy as np

from ablations.seeds import derive
from sweeps.tasks.arrays import Arrays, split_by_group
from sweeps.tasks.kind import Kind
from sweeps.tasks.losses import answers


@dataclasses.dataclass(frozen=True)
class Recall(Kind):
    """Multi-query associative recall (2312.04927): read `pairs` of key and value, then answer for each key asked.

    A sequence is k1 v1 k2 v2 ... and then every key once more in random order; at an asked key the target is its value.
    Keys are drawn without repeats from `keys` tokens, values with repeats from `values` others; the vocabulary is both.
    Made from fixed seeds: `train` + `held` examples and 512 sealed test examples, no licence. Metric: share of right
    answers (higher is better); chance 1 / values. Two layers of attention reach 0.77 with two pairs in the 200 steps of
    task recall, 1.00 in 1,000 steps; without a mixer they stay at chance.
    """

    TEST = 512

    pairs: int = 4
    keys: int = 16
    values: int = 8
    train: int = 8192
    held: int = 512

    METRIC = ('accuracy', 'higher')

    losses = staticmethod(answers)

    def __post_init__(self):
        if not 0 < self.pairs <= self.keys:
            raise ValueError(
                f'recall: pairs={self.pairs} with keys={self.keys}; allowed 1 to keys; give more keys or fewer pairs'
            )

    def _make(self, name: str, count: int) -> Arrays:
        generator = np.random.default_rng(derive('recall', name, self.pairs, self.keys, self.values))
        keys = generator.permuted(np.tile(np.arange(self.keys), (count, 1)), axis=1)[:, : self.pairs]
        values = generator.integers(self.keys, self.keys + self.values, keys.shape)
        told = np.stack([keys, values], -1).reshape(count, -1)
        asked = generator.permuted(np.tile(np.arange(self.pairs), (count, 1)), axis=1)
        x = np.concatenate([told, np.take_along_axis(keys, asked, 1)], 1)
        y = np.concatenate([np.full(told.shape, -1), np.take_along_axis(values, asked, 1)], 1)
        return Arrays(x.astype(np.int32), y.astype(np.int32), np.arange(count))

    def pool(self) -> Arrays:
        return self._make('pool', self.train + self.held)

    def test(self) -> Arrays:
        return self._make('test', self.TEST)

    def split(self, pool: Arrays, seed: int) -> tuple[np.ndarray, np.ndarray]:
        return split_by_group(pool, seed, self.held, self.train)
