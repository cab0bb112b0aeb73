"""Byte sequences: whatever can be written as bytes, one after the other, as the same causal task in an exact unit."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from sweeps.tasks.arrays import Arrays, split_by_group
from sweeps.tasks.groups import joined, unknown
from sweeps.tasks.kind import Kind
from sweeps.tasks.losses import next_token


class ByteSequences(Kind):
    """Every byte from those before it: a subclass gives `held`, `train` and `_bytes(sealed) -> (x uint8 [n, N], group [n])`.

    What is learned is the stored x itself; the model sees it one place later, behind a 0, so that the first byte is paid for
    as well. The metric is bits per byte: the mean of -log2 p over every byte of the held examples; 8 is chance.
    """

    METRIC = ('bits', 'lower')

    def inputs(self, x: jax.Array) -> jax.Array:
        """Stored bytes one place later, behind a 0: `[B, N] -> [B, N]`, int32."""
        return jnp.pad(x[:, :-1].astype(jnp.int32), ((0, 0), (1, 0)))

    @staticmethod
    def losses(scores: jax.Array, y: jax.Array, label_smoothing: jax.Array | None = None) -> tuple[jax.Array, jax.Array]:
        """Nats per byte, as loss and as metric: scores `[B, N, 256]`, y `[B, N] -> [B], [B]`."""
        return next_token(scores, y.astype(jnp.int32), label_smoothing)

    def pool(self) -> Arrays:
        """Training and tuning-validation sequences; equal ones share a group."""
        x, group = self._bytes(sealed=False)
        return Arrays(x, x, joined(group, x), scale=1 / math.log(2))

    def test(self) -> Arrays:
        """The sealed sequences, less those that stand in the pool too."""
        x, group = self._bytes(sealed=True)
        new = unknown(x, self._bytes(sealed=False)[0])
        return Arrays(x[new], x[new], group[new], scale=1 / math.log(2))

    def split(self, pool: Arrays, seed: int) -> tuple[np.ndarray, np.ndarray]:
        return split_by_group(pool, seed, self.held, self.train)

    @staticmethod
    def messages(arrays: Arrays) -> list[bytes]:
        """Each sequence as the bytes that the metric counts, for a reference coder."""
        return [row.tobytes() for row in np.asarray(arrays.x)]
