"""Stream: batches of examples that do not fit on the device, read ahead by Grain while the device trains.

The order is that of `batch_order`, as for examples on the device: streamed or not, a run sees the same batches.
"""

import mmap
import os
from collections.abc import Mapping

import jax
import numpy as np

CHUNK = 16 << 20
"""Bytes that go to the device at a time, about."""
AHEAD = 3
"""Chunks that are read ahead."""
THREADS = 2


def rows(array: np.ndarray, index: np.ndarray) -> np.ndarray:
    """The examples of an index of any shape. `[n, ...], [...] -> [..., ...]`.

    From a memory-mapped file they are read and not mapped: mapped pages would stay, and memory would grow to the size of the
    file.
    """
    if not (isinstance(array, np.memmap) and isinstance(array.base, mmap.mmap) and array.flags.c_contiguous):
        return np.asarray(array[index])
    read = np.empty((index.size, *array.shape[1:]), array.dtype)
    size = array.nbytes // len(array)
    file = os.open(array.filename, os.O_RDONLY)
    try:
        for place, number in zip(read.reshape(index.size, -1), index.reshape(-1).tolist(), strict=True):
            count = os.preadv(file, [place], array.offset + number * size)
            if count != size:
                raise ValueError(f'{array.filename} is shorter than when it was opened; prepare the dataset again')
    finally:
        os.close(file)
    return read.reshape(*index.shape, *array.shape[1:])


class Chunks:
    """All steps of a run in chunks of equal size: a random-access source for Grain."""

    def __init__(self, pool: Mapping[str, np.ndarray], order: np.ndarray, size: int):
        self.pool, self.order, self.size = pool, order, size

    def __len__(self) -> int:
        return -(-self.order.shape[-2] // self.size)

    def __getitem__(self, number: int) -> dict[str, np.ndarray]:
        # The last chunk is filled up with its last step: one shape, one program.
        steps = np.minimum(np.arange(number * self.size, (number + 1) * self.size), self.order.shape[-2] - 1)
        index = self.order[..., steps, :]
        return {name: rows(part, index) for name, part in self.pool.items()}

    def __repr__(self) -> str:
        return f'Chunks({len(self)} of {self.size} steps)'


class Stream:
    """Batches of a run in their order, from any step on. `order` `[(lanes,) steps, batch]` holds indices into the pool.

    `shard` (index, count) takes every count-th example of a batch, for one of several processes. `state` is the position of the
    reader; a stream with this state goes on with the next chunk.
    """

    def __init__(self, pool: Mapping, order: np.ndarray, first: int = 0, shard: tuple[int, int] = (0, 1), chunk: int = CHUNK):
        import grain

        order = order[..., shard[0] :: shard[1]]
        if order.shape[-1] == 0:
            raise ValueError(
                f'shard {shard[0]} of {shard[1]} has no examples of a batch; use a larger batch or fewer processes'
            )
        step = sum(part[:1].nbytes for part in pool.values()) * int(np.prod(order.shape)) // order.shape[-2]
        self.size = max(1, min(chunk // max(step, 1), order.shape[-2]))
        options = grain.ReadOptions(num_threads=THREADS, prefetch_buffer_size=AHEAD)
        self._chunks = iter(grain.MapDataset.source(Chunks(pool, order, self.size)).to_iter_dataset(options))
        self.number = first // self.size - 1
        self._chunks.set_state({'next_index': self.number + 1})
        self._current = self._next = None

    @property
    def state(self) -> dict:
        """The position of the reader, as plain data."""
        return self._chunks.get_state()

    def at(self, step: int) -> tuple[dict, int, int]:
        """The chunk on the device that holds a step, its first step, and its end."""
        while self.number < step // self.size:
            self._current = self._next if self._next is not None else self._read()
            self.number += 1
            self._next = self._read()
        if self.number > step // self.size:
            raise ValueError(f'step {step} was read before; a stream only goes on')
        return self._current, self.number * self.size, (self.number + 1) * self.size

    def _read(self) -> dict | None:
        # Handed to the device at once: it is on its way while the steps before it run.
        return jax.tree.map(jax.device_put, next(self._chunks, None))
