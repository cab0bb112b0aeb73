"""flip: the mirror image."""

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp

from sweeps.augment.augmentation import Augmentation


@dataclasses.dataclass(frozen=True)
class Flip(Augmentation):
    """Left and right exchanged, with a probability."""

    probability: float = 0.5

    MAPS = 'moved'
    KNOBS = {'flip_probability': 'probability'}

    def __post_init__(self):
        self.check_strengths('flip')

    def sample(self, key: jax.Array, shape: tuple[int, ...], settings: Mapping[str, jax.Array]) -> dict:
        return {'flipped': jax.random.uniform(key) < settings['probability']}

    def change(self, x: jax.Array, sample: dict) -> jax.Array:
        return jnp.where(sample['flipped'], x[:, ::-1], x)
