"""color_jitter: brightness, contrast, saturation and hue."""

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp

from sweeps.augment import colours
from sweeps.augment.augmentation import Augmentation


@dataclasses.dataclass(frozen=True)
class ColorJitter(Augmentation):
    """Brightness, contrast and saturation by factors within 1 plus or minus their strength, hue by a share of the circle.

    Factors are uniform and not below 0, the hue's shift uniform in [-hue, hue]. Always in this order.
    """

    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 0.0

    MAPS = 'kept'
    KNOBS = {
        'jitter_brightness': 'brightness',
        'jitter_contrast': 'contrast',
        'jitter_saturation': 'saturation',
        'jitter_hue': 'hue',
    }

    SKIPS = True

    def __post_init__(self):
        self.check_strengths('color_jitter')

    def sample(self, key: jax.Array, shape: tuple[int, ...], settings: Mapping[str, jax.Array]) -> dict:
        draws = dict(zip(('brightness', 'contrast', 'saturation', 'hue'), jax.random.uniform(key, (4,)), strict=True))
        sample = {'hue': (2 * draws['hue'] - 1) * settings['hue']}
        for name in ('brightness', 'contrast', 'saturation'):
            low, high = jnp.maximum(1 - settings[name], 0), 1 + settings[name]
            sample[name] = low + draws[name] * (high - low)
        return sample

    def change(self, x: jax.Array, sample: dict) -> jax.Array:
        for name in ('brightness', 'contrast', 'saturation'):
            x = getattr(colours, name)(x, sample[name])
        return jax.lax.cond(sample['hue'] != 0, lambda: colours.hue(x, sample['hue']), lambda: x)
