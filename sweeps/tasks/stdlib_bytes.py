"""stdlib_bytes: the Python standard library's own sources, byte by byte."""

import dataclasses
import hashlib
import sysconfig
from pathlib import Path

import numpy as np

from sweeps.tasks.arrays import Arrays, split_by_group
from sweeps.tasks.losses import BITS_PER_NAT, next_token
from sweeps.tasks.taught_windows import TaughtWindows


@dataclasses.dataclass(frozen=True)
class StdlibBytes(TaughtWindows):
    """Byte-level language modelling of the top-level modules of the running Python's standard library.

    Source: the interpreter's own `*.py` files; licence PSF. A sixth of the files, by the sha256 of their names, is the sealed
    test split, without windows that occur in other files too; each replicate splits the other files into training and
    tuning-validation files. Examples are windows of `length` bytes with the next byte as target at every position, of which
    training sees the first `taught` (0: all). Metric: nats per byte (lower is better), chance ln 256 = 5.545; small models
    reach 2.2 to 2.6 in a few hundred steps. Another Python version has other sources: a checksum of the examples stands in
    every record, and `verify` refuses to mix them.
    """

    TEST = 512

    length: int = 64
    train: int = 8192
    held: int = 512
    taught: int = 0

    NAME, METRIC = 'stdlib_bytes', ('loss', 'lower')

    losses = staticmethod(next_token)

    def __post_init__(self):
        self.check_taught()

    def _windows(self, sealed: bool) -> Arrays:
        folder = Path(sysconfig.get_paths()['stdlib'])
        windows, groups = [], []
        for number, path in enumerate(sorted(folder.glob('*.py'), key=lambda path: path.name)):
            if (int(hashlib.sha256(path.name.encode()).hexdigest(), 16) % 6 == 0) != sealed:
                continue
            content = np.frombuffer(path.read_bytes(), np.uint8)
            count = (len(content) - 1) // self.length
            starts = np.arange(count) * self.length
            windows.append(content[starts[:, None] + np.arange(self.length + 1)])
            groups.append(np.full(count, number))
        if not windows:
            raise ValueError(f'stdlib_bytes: no *.py files in {folder}; use a Python whose standard library lies unpacked')
        tokens = np.concatenate(windows).astype(np.int32)
        return Arrays(tokens[:, :-1], tokens[:, 1:], np.concatenate(groups))

    def pool(self) -> Arrays:
        everything = self._windows(sealed=False)
        chosen = np.random.default_rng(0).permutation(len(everything.x))[: 4 * (self.train + self.held)]
        return Arrays(everything.x[chosen], everything.y[chosen], everything.group[chosen])

    def test(self) -> Arrays:
        everything = self._windows(sealed=True)
        known = {row.tobytes() for row in self._windows(sealed=False).x}
        new = np.array([i for i, row in enumerate(everything.x) if row.tobytes() not in known], np.int64)
        if len(new) < self.TEST:
            raise ValueError(f'stdlib_bytes: {len(new)} test windows, {self.TEST} needed; use a shorter length')
        chosen = np.random.default_rng(0).permutation(new)[: self.TEST]
        return Arrays(everything.x[chosen], everything.y[chosen], everything.group[chosen])

    def messages(self, sealed: bool) -> list[bytes]:
        """The windows, each with the byte before its first target, which is given."""
        arrays = self.test() if sealed else self.pool()
        return [row.tobytes() for row in np.concatenate([arrays.x[:, :1], arrays.y], 1).astype(np.uint8)]

    def given(self) -> int:
        return 1

    def bits_per_byte(self) -> float:
        return BITS_PER_NAT

    def split(self, pool: Arrays, seed: int) -> tuple[np.ndarray, np.ndarray]:
        return split_by_group(pool, seed, self.held, self.train)
