"""random_resized_crop: a window of random area and shape, resized."""

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp

from arch.make import did_you_mean
from sweeps.augment.augmentation import Augmentation, within
from sweeps.augment.rectangle import ATTEMPTS, draw_rectangle, place
from sweeps.augment.resize import FILTERS, resize_window


@dataclasses.dataclass(frozen=True)
class RandomResizedCrop(Augmentation):
    """A random window resized to `size` x `size`, or to the image's own size where `size` is 0 (1409.4842, section 6).

    The window's area is uniform between `scale_low` and `scale_high` of the image's, the logarithm of its width over its
    height uniform over `ratio`. Ten windows are tried; if none fits into the image, it is the largest central one with a
    ratio inside the range. With probability 1 - `probability` the window is the whole image.
    """

    size: int = 0
    probability: float = 1.0
    scale_low: float = 0.08
    scale_high: float = 1.0
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    interpolation: str = 'bilinear'

    KNOBS = {'resized_crop_probability': 'probability', 'resized_crop_scale_low': 'scale_low'}

    def __post_init__(self):
        kind = 'random_resized_crop'
        self.check_strengths(kind)
        within(kind, 0, self.scale_high, scale_low=self.scale_low)
        within(kind, 0, 1, scale_high=self.scale_high)
        if self.size < 0:
            raise ValueError(f"augment '{kind}': size={self.size} is given, allowed is 0 (as given) or more; raise size")
        if len(self.ratio) != 2 or not 0 < self.ratio[0] <= self.ratio[1]:
            raise ValueError(
                f"augment '{kind}': ratio={list(self.ratio)} is given, allowed are two numbers above 0, the smaller first; "
                'give the least and the greatest width over height'
            )
        if self.interpolation not in FILTERS:
            raise ValueError(
                f"augment '{kind}': interpolation={self.interpolation!r} is given, allowed: {sorted(FILTERS)}."
                f'{did_you_mean(self.interpolation, FILTERS)}'
            )

    def sample(self, key: jax.Array, shape: tuple[int, ...], settings: Mapping[str, jax.Array]) -> dict:
        draws = jax.random.uniform(key, (3 + 2 * ATTEMPTS,))
        whole = shape[:2]
        low = jnp.minimum(settings['scale_low'], self.scale_high)
        height, width, fits = draw_rectangle(draws[3:], whole, (low, self.scale_high), self.ratio, whole)
        top, left = place(draws[1:3], whole, height, width)
        ratio = min(max(whole[1] / whole[0], self.ratio[0]), self.ratio[1])
        central = min(whole[0], round(whole[1] / ratio)), min(whole[1], round(whole[0] * ratio))
        middle = (whole[0] - central[0]) // 2, (whole[1] - central[1]) // 2
        taken = jnp.where(fits, jnp.stack([top, left, height, width]), jnp.asarray([*middle, *central]))
        cropped = draws[0] < settings['probability']
        return {'window': jnp.where(cropped, taken, jnp.asarray([0, 0, *whole]))}

    def change(self, x: jax.Array, sample: dict) -> jax.Array:
        whole = x.shape[:2]
        size = (self.size, self.size) if self.size else whole
        resized = resize_window(x, *sample['window'], size, self.interpolation)
        if size != whole:
            return resized
        # Weights that are one up to rounding do not copy a whole image exactly.
        return jnp.where((sample['window'][2:] == jnp.asarray(whole)).all(), x, resized)
