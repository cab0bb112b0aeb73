"""Synthetic: a task whose examples the lab makes itself, by a rule."""

import abc
import dataclasses
from typing import ClassVar

import numpy as np

from ablations.seeds import derive
from arch.make import positive
from sweeps.tasks.arrays import Arrays, split_by_group
from sweeps.tasks.kind import Kind
from sweeps.tasks.losses import answers

SEALED_SHARE = 8
"""One in this many of all possible examples belongs to the test split, whatever is drawn."""


def fingerprints(rows: np.ndarray) -> np.ndarray:
    """A 64-bit hash of each row, the same on all machines: `[n, m]` of integers `-> [n]`."""
    factors = np.random.default_rng(0).integers(2**64, size=rows.shape[1], dtype=np.uint64) | np.uint64(1)
    mixed = rows.astype(np.uint64) @ factors
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))


@dataclasses.dataclass(frozen=True)
class Synthetic(Kind):
    """Examples made by a rule from fixed seeds: `train` + `held` for tuning, `TEST` sealed, all of them different.

    An example is sealed if its hash is divisible by 8. So no test example can be in the pool, however large it is, and the pool
    is made without the test split. Examples that are the same to `identity` (12+34 and 34+12) stay together in each split. Only
    a task that says `REPEATS` may have an example twice.

    Seeds derive from NAME and the fields, so that another NAME makes other data. A task gives `make`. The metric here is the
    share of right answers; a task with another metric gives METRIC, SCALE and losses.
    """

    TEST: ClassVar[int] = 512
    """How many examples are sealed."""
    SPARE: ClassVar[int] = 0
    """How many examples the pool has beyond `train` + `held`, so that a split can keep identical ones together."""
    REPEATS: ClassVar[bool] = False
    """Whether examples are used as drawn: then one may occur twice, also in different splits."""
    METRIC = ('accuracy', 'higher')

    train: int = 8192
    held: int = 512

    losses = staticmethod(answers)

    def __post_init__(self):
        positive(self.NAME, train=self.train, held=self.held)

    @abc.abstractmethod
    def make(self, generator: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        """About `count` examples, `x` `[n, ...]` and `y` `[n, ...]` of int32; with REPEATS exactly so many."""

    def identity(self, x: np.ndarray) -> np.ndarray:
        """Rows of integers that are equal for identical examples; here the inputs themselves."""
        return x

    def difficulty(self) -> list[str | int]:
        """The values from which seeds derive, beside NAME and split: all fields but `train` and `held`."""
        names = sorted(field.name for field in dataclasses.fields(self) if field.name not in ('train', 'held'))
        return [f'{name}={getattr(self, name)}' for name in names]

    def _draw(self, sealed: bool, count: int) -> Arrays:
        generator = np.random.default_rng(derive(self.NAME, 'test' if sealed else 'pool', *self.difficulty()))
        if self.REPEATS:
            x, y = self.make(generator, count)
            return Arrays(x, y, np.arange(count), self.SCALE)
        asked = 2 * count * (SEALED_SHARE if sealed else 1)
        x, y, first, grows = None, None, [], True
        while len(first) < count and grows:
            more = self.make(generator, asked)
            marked = (fingerprints(self.identity(more[0])) % SEALED_SHARE == 0) == sealed
            more = [part[marked] for part in more]
            x, y = more if x is None else (np.concatenate(both) for both in zip((x, y), more, strict=True))
            before, first = len(first), np.unique(fingerprints(x), return_index=True)[1]
            grows = len(first) > before
        if len(first) < count:
            part = f'test split of {count}' if sealed else f'pool of {count} for train={self.train} and held={self.held}'
            raise ValueError(
                f'{self.NAME}: only {len(first)} different examples for a {part}; raise the difficulty (longer, more tokens) '
                'or ask for fewer'
            )
        chosen = np.sort(first)[:count]
        x, y = x[chosen], y[chosen]
        group = np.unique(fingerprints(self.identity(x)), return_inverse=True)[1]
        return Arrays(x, y, group, self.SCALE)

    def pool(self) -> Arrays:
        return self._draw(False, self.train + self.held + self.SPARE)

    def test(self) -> Arrays:
        return self._draw(True, self.TEST)

    def split(self, pool: Arrays, seed: int) -> tuple[np.ndarray, np.ndarray]:
        return split_by_group(pool, seed, self.held, self.train)
