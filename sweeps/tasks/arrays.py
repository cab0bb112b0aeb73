"""Arrays: the examples of one split, and a split of them by groups."""

import dataclasses
import hashlib

import numpy as np


@dataclasses.dataclass(frozen=True)
class Arrays:
    """Inputs `x` [n, ...], targets `y` [n, ...] and the `group` [n] that a split must not tear (a file, an example).

    `scale` is the factor that converts the mean metric of these examples into its unit: 1 / ln 2 makes bits of nats.
    """

    x: np.ndarray
    y: np.ndarray
    group: np.ndarray
    scale: float = 1.0

    def __post_init__(self):
        if not len(self.x) == len(self.y) == len(self.group):
            raise ValueError(f'{len(self.x)} inputs, {len(self.y)} targets, {len(self.group)} groups: give one of each')

    @property
    def checksum(self) -> str:
        """First 16 hex digits of the sha256 of inputs and targets."""
        content = hashlib.sha256()
        for array in (self.x, self.y):
            content.update(f'{array.dtype}{array.shape}'.encode())
            content.update(np.ascontiguousarray(array).tobytes())
        return content.hexdigest()[:16]


def split_by_group(pool: Arrays, seed: int, held: int, train: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of `train` training and `held` tuning-validation examples, no group in both, drawn by the seed.

    With `train` 0 all remaining examples are training examples. Raises ValueError if the pool is too small for both.

    >>> pool = Arrays(np.zeros((6, 2)), np.zeros(6), np.array([0, 0, 1, 1, 2, 2]))
    >>> train, held = split_by_group(pool, seed=0, held=2, train=4)
    >>> sorted(pool.group[train].tolist()), sorted(pool.group[held].tolist())
    ([0, 0, 1, 1], [2, 2])
    """
    generator = np.random.default_rng(seed)
    order = generator.permutation(np.unique(pool.group))
    rank = np.empty(order.max() + 1, np.int64)
    rank[order] = np.arange(len(order))
    ranks = rank[pool.group]
    last = int(np.searchsorted(np.cumsum(np.bincount(ranks, minlength=len(order))), held))
    inside, outside = np.flatnonzero(ranks <= last), np.flatnonzero(ranks > last)
    if len(inside) < held or len(outside) < max(train, 1):
        raise ValueError(
            f'the pool of {len(pool.x)} examples in {len(order)} groups does not give {held} held-out and {train or "any"} '
            'training examples; ask for fewer'
        )
    return generator.choice(outside, train or len(outside), replace=False), generator.choice(inside, held, replace=False)
