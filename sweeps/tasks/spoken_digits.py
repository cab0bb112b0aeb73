"""spoken_digits: classes of short recordings of a prepared set."""

import dataclasses
import functools
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from sweeps.datasets.prepared import Part
from sweeps.tasks.arrays import Arrays, split_by_group
from sweeps.tasks.losses import classification
from sweeps.tasks.set_kind import SetKind
from sweeps.tasks.spectrogram import log_mel

FORMS = ('log_mel', 'samples')
BLOCK = 256


@dataclasses.dataclass(frozen=True)
class SpokenDigits(SetKind):
    """Classification of short recordings, by default the Free Spoken Digit Dataset: English digits of six speakers at 8 kHz.

    Source: github.com/Jakobovski/free-spoken-digit-dataset; licence CC BY-SA 4.0. Test split: the official one, recordings 0
    to 4 of each speaker and digit (the same speakers as in training). Of the others each replicate draws `held` for
    tuning-validation and `train` for training (0: all others). A recording is cut or filled with zeros to `length` samples.
    The model sees it as `form`: 'samples' [length, 1], by the root of their mean square over the pool, or 'log_mel', a map
    [length / hop, mels, 1] less its mean and by its standard deviation over the pool, after which `augment` (specs of
    sweeps/augment, such as masks of time and pitch) is done. Metric: accuracy (share, higher is better); chance 0.1. Small
    convolutional networks on spectra reach about 0.97 (published: adhishthite.github.io/sound-mnist, an own split).
    """

    dataset: str = 'spoken_digits'
    form: str = 'log_mel'
    length: int = 8192
    window: int = 256
    hop: int = 128
    mels: int = 32
    train: int = 0
    held: int = 240
    augment: tuple[dict, ...] = ()

    NAME, METRIC = 'spoken_digits', ('accuracy', 'higher')
    CLASSES, SETS = True, ('sounds',)

    losses = staticmethod(classification)

    def __post_init__(self):
        if self.form not in FORMS:
            raise ValueError(f"task 'spoken_digits': form={self.form!r}; allowed: {list(FORMS)}; choose one")
        if self.augment and self.form == 'samples':
            raise ValueError("task 'spoken_digits': augment is for maps; give form='log_mel' or no augment")

    @functools.cached_property
    def _augment(self):
        from sweeps.augment import make_augment

        return make_augment([dict(spec) for spec in self.augment])

    @property
    def knobs(self) -> dict[str, float]:
        return dict(self._augment.knobs) if self.augment else {}

    def _plain(self, x: jax.Array, rate: int) -> jax.Array:
        """Recordings in their form, before a pool's mean and deviation: `[B, length] -> [B, length / hop, mels]` or as x."""
        x = x.astype(jnp.float32) / 2**15
        return log_mel(x, rate, self.window, self.hop, self.mels) if self.form == 'log_mel' else x

    def declared(self) -> jax.ShapeDtypeStruct:
        self.entry()
        return jax.ShapeDtypeStruct((1, self.length), np.int16)

    def seen(self) -> jax.ShapeDtypeStruct:
        if not self.absent():
            return super().seen()
        # The mean and deviation of the pool, which are not known yet, change no shape.
        return jax.eval_shape(lambda x: self._plain(x, self.entry().rate)[..., None], self.declared())

    @functools.cached_property
    def _moments(self) -> tuple[float, float]:
        """Mean and standard deviation of what the model sees, over the pool, to four digits."""
        x = self.pool().x
        total = np.zeros(3)
        # The pool is known while a program is traced: these numbers are constants of it.
        with jax.ensure_compile_time_eval():
            for start in range(0, len(x), BLOCK):
                part = x[start : start + BLOCK]
                seen = np.asarray(self._plain(jnp.asarray(part), self.prepared.about['rate']), np.float64)
                total += [seen.size, seen.sum(), (seen**2).sum()]
        mean = total[1] / total[0] if self.form == 'log_mel' else 0.0
        return float(f'{mean:.4g}'), float(f'{np.sqrt(total[2] / total[0] - mean**2) or 1.0:.4g}')

    def inputs(self, x: jax.Array) -> jax.Array:
        """Stored recordings as the model sees them: int16 `[B, length] -> [B, length / hop, mels, 1]` or `[B, length, 1]`."""
        mean, deviation = self._moments
        return (self._plain(x, self.prepared.about['rate'])[..., None] - mean) / deviation

    def draw(self, key: jax.Array, x: jax.Array, y: jax.Array, knobs: Mapping[str, jax.Array]) -> tuple:
        if not self.augment:
            return super().draw(key, x, y, knobs)
        return self._augment(key, self.inputs(x), y, knobs)

    def pool(self) -> Arrays:
        return self._arrays(self.prepared.pool())

    def test(self) -> Arrays:
        return self._arrays(self.prepared.test())

    def _arrays(self, part: Part) -> Arrays:
        return Arrays(fitted(part, self.length), np.asarray(part.y), np.asarray(part.group))

    def split(self, pool: Arrays, seed: int) -> tuple[np.ndarray, np.ndarray]:
        return split_by_group(pool, seed, self.held, self.train)


def fitted(part: Part, length: int) -> np.ndarray:
    """The examples of a ragged part, cut or filled with zeros to one length: `[n, length]`.

    >>> ragged = Part(np.array([1, 2, 3, 4]), None, np.array([0, 1]), np.array([0, 1, 4]))
    >>> fitted(ragged, 2).tolist()
    [[1, 0], [2, 3]]
    """
    x = np.zeros((len(part), length), part.x.dtype)
    for number in range(len(part)):
        example = part.example(number)[:length]
        x[number, : len(example)] = example
    return x
