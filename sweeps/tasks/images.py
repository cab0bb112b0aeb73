"""images: classes of images of a prepared set."""

import dataclasses
import functools
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from sweeps.tasks.arrays import Arrays, split_by_group
from sweeps.tasks.losses import classification
from sweeps.tasks.set_kind import SetKind

WIDEST = 1024
"""The widest border."""


@dataclasses.dataclass(frozen=True)
class Images(SetKind):
    """Image classification over a prepared set: `dataset` is its name, images uint8 [n, H, W, C] with one class each.

    Source and licence: those of the set, in its `about.json` and in `archlab data show NAME`. The test split is the official
    one where there is one. Of the other images each replicate draws `held` for tuning-validation and `train` for training (0:
    all others), identical images on one side. The model sees each channel less the mean and by the standard deviation of the
    whole pool, after `augment`, a list of specs of sweeps/augment. `border` puts so many pixels of zeros around each image
    before that: with 2, images of 28 x 28 are 32 x 32, as LeNet-5 had them (LeCun et al. 1998). Metric: accuracy (share,
    higher is better); chance 1 / classes. Reached scores, published or measured here, stand beside each task in
    ablations/tasks/image_tasks.py.
    """

    dataset: str = 'fashion_mnist'
    train: int = 0
    held: int = 5000
    augment: tuple[dict, ...] = ()
    border: int = 0

    NAME, METRIC = 'images', ('accuracy', 'higher')
    CLASSES, SETS = True, ('images',)

    losses = staticmethod(classification)

    def __post_init__(self):
        if isinstance(self.border, bool) or not isinstance(self.border, int) or not 0 <= self.border <= WIDEST:
            raise ValueError(f"task 'images': border={self.border!r}; allowed: a whole number from 0 to {WIDEST}; change it")

    @functools.cached_property
    def _augment(self):
        # Not at the top: a task without augmentation should not pay for reading it.
        from sweeps.augment import make_augment

        return make_augment([dict(spec) for spec in self.augment])

    @property
    def knobs(self) -> dict[str, float]:
        return dict(self._augment.knobs) if self.augment else {}

    def _normalised(self, x: jax.Array) -> jax.Array:
        about = self.prepared.about
        # A channel without any variance is left at 0.
        return (x - np.float32(about['mean'])) / np.float32([std or 1.0 for std in about['std']])

    def inputs(self, x: jax.Array) -> jax.Array:
        """Stored images as the model sees them: uint8 `[B, H, W, C]` to normalised float32, with the border around them."""
        return self._normalised(self._bordered(x))

    def _bordered(self, x: jax.Array) -> jax.Array:
        if not self.border:
            return unit(x)
        border = (self.border, self.border)
        return jnp.pad(unit(x), ((0, 0), border, border, (0, 0)))

    def declared(self) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct((1, *self.entry().shape), np.uint8)

    def seen(self) -> jax.ShapeDtypeStruct:
        # Means and deviations, which are not known yet, change no shape.
        if not self.absent():
            return super().seen()
        one, height, width, channels = self.declared().shape
        return jax.ShapeDtypeStruct((one, height + 2 * self.border, width + 2 * self.border, channels), jnp.float32)

    def draw(self, key: jax.Array, x: jax.Array, y: jax.Array, knobs: Mapping[str, jax.Array]) -> tuple:
        if not self.augment:
            return super().draw(key, x, y, knobs)
        x, targets = self._augment(key, self._bordered(x), y, knobs)
        return self._normalised(x), targets

    def pool(self) -> Arrays:
        part = self.prepared.pool()
        return Arrays(part.x, part.y, part.group)

    def test(self) -> Arrays:
        part = self.prepared.test()
        return Arrays(part.x, part.y, part.group)

    def split(self, pool: Arrays, seed: int) -> tuple[np.ndarray, np.ndarray]:
        return split_by_group(pool, seed, self.held, self.train)


def unit(x: jax.Array) -> jax.Array:
    """Bytes as numbers from 0 to 1."""
    return x.astype(jnp.float32) / 255
