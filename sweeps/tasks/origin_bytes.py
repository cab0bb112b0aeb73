"""origin_bytes: the texts of one origin of a made set as a language, byte by byte."""

import dataclasses

import numpy as np

from sweeps.tasks.byte_sequences import ByteSequences
from sweeps.tasks.made import MADE
from sweeps.tasks.made.made_set import MadeSet

SETS = tuple(name for name, made in MADE.items() if made.kind == 'texts' and made.target == 'class' and len(made.names) > 2)


@dataclasses.dataclass(frozen=True)
class OriginBytes(ByteSequences):
    """Causal modelling of the bytes of one origin: a package of Python's library, or a made writer.

    Source and licence: `dataset`, a made set of texts with an origin each ('packages': the installed Python, PSF licence,
    other bytes in another version; 'writers': made). Its texts are cut to windows of `length` bytes, of which short ones are
    left out. Of the pool each replicate draws `held` and `train` (0: all others) windows, those of one file or prompt on one
    side. Metric: bits per byte (lower is better); chance 8.
    """

    dataset: str = 'packages'
    origin: str = 'email'
    length: int = 64
    train: int = 0
    held: int = 64

    NAME = 'origin_bytes'

    def __post_init__(self):
        if self.dataset not in SETS:
            raise ValueError(f"task 'origin_bytes': dataset '{self.dataset}'; allowed: {list(SETS)}; choose one")
        if self.origin not in self._made.names:
            raise ValueError(f"task 'origin_bytes': origin '{self.origin}'; allowed: {list(self._made.names)}; choose one")
        for name, least in {'length': 2, 'train': 0, 'held': 1}.items():
            if getattr(self, name) < least:
                raise ValueError(f"task 'origin_bytes': {name}={getattr(self, name)}; allowed: {least} or more; raise it")

    @property
    def domain_name(self) -> str:
        return self.origin

    @property
    def _made(self) -> MadeSet:
        return MADE[self.dataset]

    def sequences(self, sealed: bool) -> tuple[np.ndarray, np.ndarray]:
        part = self._made.test() if sealed else self._made.pool()
        rows, groups = [], []
        for number in np.flatnonzero(part.y == self._made.names.index(self.origin)):
            text = part.example(number)
            whole = text[: len(text) // self.length * self.length].reshape(-1, self.length)
            rows.append(whole)
            groups.append(np.full(len(whole), part.group[number]))
        if not sum(map(len, rows)):
            raise ValueError(
                f"task 'origin_bytes': no text of {self.dataset} by {self.origin} has length={self.length} bytes; give a "
                'shorter length'
            )
        return np.concatenate(rows), np.concatenate(groups)
