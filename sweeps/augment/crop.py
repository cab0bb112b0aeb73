"""crop: a window of the image's own size out of the padded image."""

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp

from sweeps.augment.augmentation import Augmentation

MODES = ('zero', 'reflect')


@dataclasses.dataclass(frozen=True)
class Crop(Augmentation):
    """The image moved by up to `padding` pixels either way along each axis, all whole numbers equally likely.

    That is a random crop of the image padded on all sides: with zeros, or reflected about its outermost pixels (which
    are not repeated). The usual augmentation of small images with 4 pixels (1512.03385, section 4.2). As a knob
    `crop_padding` is rounded down; reflection reaches no further than the image's size less one.
    """

    padding: int = 4
    mode: str = 'zero'

    MAPS = 'moved'
    KNOBS = {'crop_padding': 'padding'}

    def __post_init__(self):
        self.check_strengths('crop')
        if self.mode not in MODES:
            raise ValueError(f"augment 'crop': mode={self.mode!r} is given, allowed: {list(MODES)}; choose one")

    def sample(self, key: jax.Array, shape: tuple[int, ...], settings: Mapping[str, jax.Array]) -> dict:
        reach = jnp.floor(jnp.asarray(settings['padding'], jnp.float32))
        if self.mode == 'reflect':
            reach = jnp.minimum(reach, jnp.asarray(shape[:2]) - 1)
        shift = jnp.floor(jax.random.uniform(key, (2,)) * (2 * reach + 1)) - reach
        return {'shift': shift.astype(jnp.int32)}

    def change(self, x: jax.Array, sample: dict) -> jax.Array:
        for axis in (0, 1):
            size = x.shape[axis]
            source = jnp.arange(size) + sample['shift'][axis]
            if self.mode == 'reflect':
                x = jnp.take(x, size - 1 - jnp.abs(size - 1 - jnp.abs(source)), axis, mode='clip')
            else:
                inside = jnp.expand_dims((source >= 0) & (source < size), (1 - axis, 2))
                x = jnp.where(inside, jnp.take(x, source, axis, mode='clip'), 0)
        return x
