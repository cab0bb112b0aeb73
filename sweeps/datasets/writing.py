"""Writing: one split of a prepared set, block by block, with the groups of identical examples."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sweeps.datasets.growing import Growing

DIGEST = 16
"""Bytes of an example's hash: among 10^9 different examples two hashes agree with probability 10^-21."""


def example_hash(example: np.ndarray) -> bytes:
    """A hash of an example's content, without its class."""
    return hashlib.blake2b(np.ascontiguousarray(example), digest_size=DIGEST).digest()


def held_by_hash(digest: bytes, share: float) -> bool:
    """Whether an example belongs to a test split by hash, the same on all machines and in any order."""
    return int.from_bytes(digest[:8], 'big') < share * 2**64


class Writing:
    """The files of one split, open until `close`. Types and shapes are those of the first example.

    Classes are written at the end, when all are known; targets of another form (sweeps/datasets/targets.py) at once.
    """

    def __init__(self, folder: Path, ragged: bool, target: str = 'class'):
        self.folder, self.ragged, self.target, self.examples, self.values = folder, ragged, target, 0, 0
        self.digests, self._classes = bytearray(), []
        self._files: dict[str, Growing] = {}
        folder.mkdir()

    def _file(self, name: str, dtype: np.typing.DTypeLike, shape: tuple[int, ...] = ()) -> Growing:
        if name not in self._files:
            self._files[name] = Growing(self.folder / f'{name}.npy', dtype, shape)
        return self._files[name]

    def add(self, xs: Sequence[np.ndarray] | np.ndarray, ys: Sequence | np.ndarray | None, digests: Sequence[bytes]) -> None:
        """Append examples with their targets (or None) and hashes. Raises ValueError where types or shapes differ."""
        if not len(xs):
            return
        if self.ragged:
            lengths = np.array([len(x) for x in xs], np.int64)
            offsets = self._file('offsets', np.int64)
            if not self.examples:
                offsets.append(np.zeros(1, np.int64))
            offsets.append(self.values + np.cumsum(lengths))
            rows = np.concatenate(xs)
            self.values += len(rows)
            self._file('x', rows.dtype).append(rows)
        else:
            rows = np.asarray(xs)
            self._file('x', rows.dtype, rows.shape[1:]).append(rows)
        if ys is not None and self.target == 'class':
            self._classes.append(np.asarray(ys, np.int64))
        elif ys is not None:
            self._targets(xs, ys)
        self.digests += b''.join(digests)
        self.examples += len(xs)

    def _targets(self, xs: Sequence[np.ndarray], ys: Sequence | np.ndarray) -> None:
        """Append values, labels or maps, those of a ragged set one after the other."""
        if self.target == 'map':
            short = [x.shape[: np.ndim(y)] != np.shape(y) for x, y in zip(xs, ys, strict=True)]
            if any(short):
                one = short.index(True)
                raise ValueError(
                    f'a map of {list(np.shape(ys[one]))} for an example of {list(xs[one].shape)}; give every place a class, -1 '
                    'where it has none'
                )
            rows = np.concatenate(ys) if self.ragged else np.asarray(ys)
            self._file('y', np.int32, rows.shape[1:]).append(rows.astype(np.int32))
        else:
            rows = np.asarray(ys, np.float32)
            self._file('y', np.float32, rows.shape[1:]).append(rows)

    @property
    def classes(self) -> np.ndarray | None:
        """The numbers of the classes of all examples so far, int64, or None."""
        return np.concatenate(self._classes) if self._classes else None

    def close(self, classes: np.ndarray | None) -> int:
        """Write the classes, and the groups in the order of their first examples. Gives the number of repeats."""
        if classes is not None:
            self._file('y', np.int32).append(classes)
        hashes = np.frombuffer(bytes(self.digests), f'V{DIGEST}')
        _, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
        rank = np.empty(len(first), np.int64)
        rank[np.argsort(first)] = np.arange(len(first))
        self._file('group', np.int64).append(rank[inverse.reshape(-1)])
        for file in self._files.values():
            file.close()
        return self.examples - len(first)

    def abandon(self) -> None:
        """Close the files as they are after an error; that error is the one to tell."""
        for file in self._files.values():
            file.abandon()
