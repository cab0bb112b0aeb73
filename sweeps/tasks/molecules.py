"""molecules: SMILES as a language, a molecule at a time."""

import dataclasses

import jax
import numpy as np

from sweeps.datasets.prepared import Part
from sweeps.tasks.arrays import Arrays, split_by_group
from sweeps.tasks.language import BITS, Language, check_unit
from sweeps.tasks.set_kind import SetKind
from sweeps.tasks.windows import spread

MARK = ord('\n')


@dataclasses.dataclass(frozen=True)
class Molecules(SetKind, Language):
    """Causal language modelling of molecules written as SMILES (Weininger 1988), one an example, in ASCII (V = 128).

    Source, licence and test split: those of `dataset` (`archlab data show NAME`); by default ZINC 250k as split by 1802.04364;
    the pool is its prepared part. A line end begins every example, is its last target, and fills it up to `length`, where
    nothing is asked (y = -1). A replicate draws `held` tuning-validation and `train` (0: all others) training molecules,
    identical ones on one side; `tested` sealed ones are scored, evenly spread (0: all). Metric: bits per byte, that is of every
    character and line end of these very molecules (lower is better); chance log2 128 = 7; scores of small models stand beside
    the task in ablations/tasks/text_tasks.py. Text over the same set reads line after line without filling up, which is faster.
    """

    dataset: str = 'zinc'
    length: int = 112
    train: int = 0
    held: int = 1024
    tested: int = 2048
    unit: str = BITS

    size = 128

    NAME, SETS = 'molecules', ('molecules',)

    def __post_init__(self):
        check_unit('molecules', self.unit)
        for name, value in {'length': 2, 'train': 0, 'held': 1, 'tested': 0}.items():
            if getattr(self, name) < value:
                raise ValueError(f"task 'molecules': {name}={getattr(self, name)}; allowed: {value} or more; raise it")

    def declared(self) -> jax.ShapeDtypeStruct:
        self.entry()
        return jax.ShapeDtypeStruct((1, self.length), np.uint8)

    def pool(self) -> Arrays:
        x, y, group = self._lines(sealed=False)
        return Arrays(x, y, group, self.scale(y))

    def test(self) -> Arrays:
        x, y, group = self._lines(sealed=True)
        return self.part(Arrays(x, y, group), spread(len(x), self.tested))

    def test_size(self) -> int | None:
        return self.tested or super().test_size()

    def split(self, pool: Arrays, seed: int) -> tuple[np.ndarray, np.ndarray]:
        train, held = split_by_group(pool, seed, self.held, self.train)
        if not self.train:
            train = np.flatnonzero(~np.isin(pool.group, np.unique(pool.group[held])))
        return train, held

    def messages(self, sealed: bool) -> list[bytes]:
        """The lines with their ends, as a reference coder gets them."""
        part = self._part(sealed)
        return [part.example(number).tobytes() + b'\n' for number in range(len(part))]

    def _part(self, sealed: bool) -> Part:
        return self.prepared.test() if sealed else self.prepared.pool()

    def _lines(self, sealed: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        part = self._part(sealed)
        counts, flat = np.diff(part.offsets), np.asarray(part.x)
        if counts.max(initial=0) >= self.length:
            raise ValueError(
                f"task 'molecules': {int((counts >= self.length).sum())} molecules of '{self.dataset}' have {self.length} "
                f'characters or more; give length={int(counts.max()) + 1}'
            )
        if flat.max(initial=0) >= self.size or (flat == MARK).any():
            raise ValueError(f"task 'molecules': '{self.dataset}' is not lines of ASCII; use task 'text' with tokens='bytes'")
        inside = np.arange(self.length) < counts[:, None]
        y = np.full(inside.shape, -1, np.int8)
        y[inside] = flat
        y[np.arange(len(y)), counts] = MARK
        x = np.full(inside.shape, MARK, np.uint8)
        x[:, 1:][inside[:, :-1]] = flat
        return x, y, np.asarray(part.group)
