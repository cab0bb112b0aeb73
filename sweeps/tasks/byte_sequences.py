"""Byte sequences: any data written as bytes, as the same causal task in an exact unit."""

import abc

import jax
import jax.numpy as jnp
import numpy as np

from sweeps.tasks.arrays import Arrays, split_by_group
from sweeps.tasks.groups import joined, unknown
from sweeps.tasks.kind import Kind
from sweeps.tasks.losses import BITS_PER_NAT, next_token


class ByteSequences(Kind):
    """Each byte is predicted from the bytes before it; a subclass gives the bytes.

    The stored x is the target. The model sees it one place later, behind a 0, so that the first byte counts as well. The metric
    is bits per byte: the mean of -log2 p over all bytes of the held examples; 8 is chance.
    """

    METRIC, SCALE = ('bits', 'lower'), BITS_PER_NAT

    @abc.abstractmethod
    def sequences(self, sealed: bool) -> tuple[np.ndarray, np.ndarray]:
        """The sequences of the test split or of the pool, uint8 `[n, N]`, and the group of each, `[n]`."""

    def inputs(self, x: jax.Array) -> jax.Array:
        """Stored bytes one place later, behind a 0: `[B, N] -> [B, N]`, int32."""
        return jnp.pad(x[:, :-1].astype(jnp.int32), ((0, 0), (1, 0)))

    @staticmethod
    def losses(scores: jax.Array, y: jax.Array, label_smoothing: jax.Array | None = None) -> tuple[jax.Array, jax.Array]:
        """Nats per byte, as loss and as metric: scores `[B, N, 256]`, y `[B, N] -> [B], [B]`."""
        return next_token(scores, y.astype(jnp.int32), label_smoothing)

    def pool(self) -> Arrays:
        """Training and tuning-validation sequences; equal ones share a group."""
        x, group = self.sequences(sealed=False)
        return Arrays(x, x, joined(group, x), self.SCALE)

    def test(self) -> Arrays:
        """The sealed sequences, without those that are in the pool too."""
        x, group = self.sequences(sealed=True)
        new = unknown(x, self.sequences(sealed=False)[0])
        return Arrays(x[new], x[new], group[new], self.SCALE)

    def split(self, pool: Arrays, seed: int) -> tuple[np.ndarray, np.ndarray]:
        return split_by_group(pool, seed, self.held, self.train)

    def bits_per_byte(self) -> float:
        return 1.0

    def messages(self, sealed: bool) -> list[bytes]:
        """Each sequence as the bytes that the metric counts."""
        return [row.tobytes() for row in np.asarray((self.test() if sealed else self.pool()).x)]
