"""Language: the base of next-token tasks, with their loss and a metric in an exact unit."""

import abc
import math

import jax
import jax.numpy as jnp
import numpy as np

from sweeps.tasks.arrays import Arrays
from sweeps.tasks.kind import Kind
from sweeps.tasks.losses import answers

NATS, BITS = UNITS = ('nats per token', 'bits per byte')


def language(scores: jax.Array, y: jax.Array, label_smoothing: jax.Array | None = None) -> tuple[jax.Array, jax.Array]:
    """Nats of the tokens where y >= 0: scores `[B, N, V]`, y `[B, N] -> [B], [B]`.

    The loss is an example's sum divided by the batch's mean number of tokens. So its mean is nats per token, and each token
    counts the same. The metric is the sum divided by N; an `Arrays.scale` makes its mean exact.
    """
    y = y.astype(jnp.int32)
    count = (y >= 0).sum(-1)
    total = answers(scores, y, label_smoothing)[0] * count
    return total / jnp.maximum(count.mean(), 1), total / y.shape[-1]


def scale_of(places: int, tokens: int, in_bytes: int | None) -> float:
    """The scale of examples with n N `places`, of which `tokens` are to be predicted.

    `in_bytes`: the length of these tokens in bytes, for bits per byte; None gives nats per token.

    >>> scale_of(places=8, tokens=4, in_bytes=None)
    2.0
    """
    return places / max(tokens, 1) if in_bytes is None else places / max(in_bytes, 1) / math.log(2)


class Language(Kind):
    """Tokens in, the next token at each position out; y = -1 where nothing is asked."""

    METRIC = ('loss', 'lower')

    losses = staticmethod(language)

    @property
    @abc.abstractmethod
    def unit(self) -> str:
        """The unit of the metric, one of `UNITS`; a field where a study may choose."""

    @property
    @abc.abstractmethod
    def size(self) -> int:
        """The number of tokens V."""

    @property
    def declared_size(self) -> int | None:
        """The number of tokens, or None if it depends on data that are absent."""
        return self.size

    def inputs(self, x: jax.Array) -> jax.Array:
        """Stored tokens, of the smallest type that holds them, as int32: `[B, N] -> [B, N]`."""
        return x.astype(jnp.int32)

    def lengths(self) -> np.ndarray | None:
        """The number of bytes of each token, `[V]`, or None if each is one byte."""
        return None

    def bits_per_byte(self) -> float:
        if self.unit == BITS:
            return 1.0
        asked = np.asarray(self.test().y)
        asked, lengths = asked[asked >= 0], self.lengths()
        return scale_of(len(asked), len(asked), len(asked) if lengths is None else int(lengths[asked].sum()))

    def part(self, arrays: Arrays, chosen: np.ndarray) -> Arrays:
        """Some examples of `arrays`, with the scale that is exact for these."""
        x, y = arrays.x[chosen], arrays.y[chosen]
        return Arrays(x, y, arrays.group[chosen], self.scale(y))

    def scale(self, y: np.ndarray) -> float:
        """The exact scale of targets `[n, N]`."""
        asked = y[y >= 0]
        if self.unit == NATS:
            return scale_of(y.size, len(asked), None)
        lengths = self.lengths()
        return scale_of(y.size, len(asked), len(asked) if lengths is None else int(lengths[asked].sum()))


def check_unit(kind: str, unit: str) -> None:
    """Raise ValueError on an unknown unit."""
    if unit not in UNITS:
        raise ValueError(f"task '{kind}': unit '{unit}'; allowed: {list(UNITS)}; choose one")
