"""Forms: the inputs of a task by the kind of its prepared set: how examples are stored on the device, and how the model sees
them.

    images     uint8 [n, H, W, C]      each channel less its mean and by its deviation, of the pool
    maps       float32 [n, H, W, C]    the same
    series     float32 [n, N (, F)]    [n, N, 1] as stored; F numbers at a step each less its mean and by its deviation
    tables     float32 [n, F]          the same, as one token [n, 1, F] or as F tokens [n, F, 1]
    sounds     int16, ragged           [n, N, 1] from -1 to 1
    texts, molecules, tokens           ids [n, N]

Ragged examples are filled up to one length: sounds with zeros, the others with one more id, which is the last.
"""

import abc
import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from sweeps.datasets.prepared import Part

ROWS = ('token', 'tokens')


@dataclasses.dataclass(frozen=True)
class Form(abc.ABC):
    """The inputs of a set.

    `length` is that of ragged examples, `vocabulary` that of a set of tokens, `row` the view of a table's row.
    """

    length: int = 0
    vocabulary: int = 0
    row: str = 'token'

    @property
    def tokens(self) -> int | None:
        """The number of ids that a model's table needs; None for other inputs."""
        return None

    @abc.abstractmethod
    def stored(self, part: Part) -> np.ndarray:
        """The examples of a split: `[n, ...]`."""

    @abc.abstractmethod
    def declared(self, shape: tuple[int, ...] | None) -> jax.ShapeDtypeStruct:
        """Shape `[1, ...]` and type of a stored example, by the `shape` of a dense one."""

    @abc.abstractmethod
    def seen(self, x: jax.Array, about: Mapping) -> jax.Array:
        """What the model sees of stored examples, by the facts of their set."""


class Dense(Form):
    """Examples of one shape, as they are stored."""

    TYPE = np.float32

    def stored(self, part: Part) -> np.ndarray:
        return part.x

    def declared(self, shape: tuple[int, ...] | None) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct((1, *shape), self.TYPE)

    def seen(self, x: jax.Array, about: Mapping) -> jax.Array:
        return standard(x, about)


class Images(Dense):
    """Images of bytes."""

    TYPE = np.uint8

    def seen(self, x: jax.Array, about: Mapping) -> jax.Array:
        return standard(x.astype(jnp.float32) / 255, about)


class Series(Dense):
    """Series of one number at a step, or of several."""

    def seen(self, x: jax.Array, about: Mapping) -> jax.Array:
        return x[..., None] if x.ndim == 2 else standard(x, about)


class Tables(Dense):
    """Rows of a table."""

    def seen(self, x: jax.Array, about: Mapping) -> jax.Array:
        x = standard(x, about)
        return x[:, None] if self.row == 'token' else x[..., None]


class Ragged(Form):
    """Examples of several lengths, filled up to `length`."""

    TYPE, FILL = np.int16, 0

    def stored(self, part: Part) -> np.ndarray:
        return filled(part.x, part.offsets, self.length, self.TYPE, self.FILL)

    def declared(self, shape: tuple[int, ...] | None) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct((1, self.length), self.TYPE)

    def seen(self, x: jax.Array, about: Mapping) -> jax.Array:
        return x.astype(jnp.int32)


class Sounds(Ragged):
    """Sounds of 16 bits."""

    def seen(self, x: jax.Array, about: Mapping) -> jax.Array:
        return x.astype(jnp.float32)[..., None] / 2**15


class Bytes(Ragged):
    """Texts and molecules, a token for each byte."""

    FILL, tokens = 256, 257


class Tokens(Ragged):
    """Documents of tokens."""

    TYPE = np.int32

    @property
    def FILL(self) -> int:
        return self.vocabulary

    @property
    def tokens(self) -> int | None:
        return self.vocabulary + 1 if self.vocabulary else None


FORMS: dict[str, type[Form]] = {'images': Images, 'maps': Dense, 'series': Series, 'tables': Tables, 'sounds': Sounds}
FORMS |= {'texts': Bytes, 'molecules': Bytes, 'tokens': Tokens}
"""Kind of prepared set -> the form of its inputs."""


def standard(x: jax.Array, about: Mapping) -> jax.Array:
    """The last axis less the pool's mean and by its deviation; what does not vary is left at 0."""
    return (x - np.float32(about['mean'])) / np.float32([std or 1.0 for std in about['std']])


def filled(values: np.ndarray, offsets: np.ndarray, length: int, dtype: type, fill: int) -> np.ndarray:
    """Ragged values as rows of one length, cut or filled up: `[total], [n + 1] -> [n, length]`.

    >>> filled(np.array([1, 2, 3, 4]), np.array([0, 1, 4]), 2, np.int16, 9).tolist()
    [[1, 9], [2, 3]]
    """
    rows = np.full((len(offsets) - 1, length), fill, dtype)
    counts = np.minimum(np.diff(offsets), length)
    for number, (start, count) in enumerate(zip(offsets[:-1], counts, strict=True)):
        rows[number, :count] = values[start : start + count]
    return rows
