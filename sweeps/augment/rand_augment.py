"""rand_augment: a few changes of one strength, drawn from a list."""

import dataclasses
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp

from arch.make import did_you_mean
from sweeps.augment import colours
from sweeps.augment.affine import affine, rotate, shear_x, shear_y, translate
from sweeps.augment.augmentation import Augmentation, channels


def _enhanced(change: Callable) -> Callable:
    """A change with a factor of at most 0.9 from 1, in the direction of `side`, and not under 0.1."""
    return lambda x, level, side, fill: change(x, jnp.maximum(1 + 0.9 * level * side, 0.1))


def _moved(matrix: Callable) -> Callable:
    return lambda x, level, side, fill: affine(x, matrix(level * side, x.shape), fill)


OPERATIONS: dict[str, Callable] = {
    # name: (x [H, W, C], level in [0, 1], side of -1 or 1, fill [C]) -> x
    'identity': lambda x, level, side, fill: x,
    'autocontrast': lambda x, level, side, fill: colours.autocontrast(x),
    'equalize': lambda x, level, side, fill: colours.equalize(x),
    'invert': lambda x, level, side, fill: colours.invert(x),
    'rotate': _moved(lambda amount, shape: rotate(30 * amount, shape[:2])),
    'posterize': lambda x, level, side, fill: colours.posterize(x, 4 - jnp.floor(4 * level)),
    'solarize': lambda x, level, side, fill: colours.solarize(x, 256 - jnp.floor(256 * level)),
    'solarize_add': lambda x, level, side, fill: colours.solarize_add(x, jnp.floor(110 * level)),
    'color': _enhanced(colours.saturation),
    'contrast': _enhanced(colours.contrast),
    'brightness': _enhanced(colours.brightness),
    'sharpness': _enhanced(colours.sharpness),
    'shear_x': _moved(lambda amount, shape: shear_x(0.3 * amount)),
    'shear_y': _moved(lambda amount, shape: shear_y(0.3 * amount)),
    'translate_x': _moved(lambda amount, shape: translate(0.45 * amount * shape[1], 0)),
    'translate_y': _moved(lambda amount, shape: translate(0, 0.45 * amount * shape[0])),
}
"""Operations in the increasing form: a greater level is stronger for all. Their ranges are those of timm's `inc1` list."""


@dataclasses.dataclass(frozen=True)
class RandAugment(Augmentation):
    """`count` operations one after the other (1909.13719), each drawn from `operations`, with replacement.

    Each is left out with probability 1 - `probability`. Its magnitude is normal about `magnitude` with `deviation`, clipped to
    [0, 10]. 10 is the strongest, and 0 changes nothing, whatever the operation. The defaults are timm's `rand-m9-mstd0.5-inc1`,
    the form in the recipes of DeiT (2012.12877) and ConvNeXt (2201.03545), except that interpolation is always bilinear.
    `fill`, one value or one for each channel, is what comes from outside the image.
    """

    count: int = 2
    magnitude: float = 9.0
    deviation: float = 0.5
    probability: float = 0.5
    operations: tuple[str, ...] = tuple(name for name in OPERATIONS if name != 'identity')
    fill: tuple[float, ...] = (0.5,)

    KNOBS = {
        'rand_augment_magnitude': 'magnitude',
        'rand_augment_deviation': 'deviation',
        'rand_augment_probability': 'probability',
    }

    SKIPS = True

    def __post_init__(self):
        kind = 'rand_augment'
        self.check_strengths(kind)
        if self.count < 1:
            raise ValueError(f"augment '{kind}': count={self.count} is given, allowed is 1 or more; raise count")
        for name in self.operations:
            if name not in OPERATIONS:
                near = did_you_mean(name, OPERATIONS)
                raise ValueError(f"augment '{kind}': unknown operation '{name}'; allowed: {list(OPERATIONS)}.{near}")

    def sample(self, key: jax.Array, shape: tuple[int, ...], settings: Mapping[str, jax.Array]) -> dict:
        chance, size = jax.random.split(key)
        draws = jax.random.uniform(chance, (3, self.count))
        drawn = settings['magnitude'] + settings['deviation'] * jax.random.normal(size, (self.count,))
        used = draws[0] < settings['probability']
        return {
            'operation': jnp.floor(draws[1] * len(self.operations)).astype(jnp.int32),
            'level': jnp.where(used, jnp.clip(drawn, 0, 10) / 10, 0),
            'side': jnp.where(draws[2] < 0.5, 1, -1),
        }

    def change(self, x: jax.Array, sample: dict) -> jax.Array:
        fill = jnp.broadcast_to(channels('rand_augment', self.fill, x.shape[-1]), x.shape[-1:])
        table = [OPERATIONS[name] for name in ('identity', *self.operations)]

        def step(x: jax.Array, drawn: dict) -> tuple[jax.Array, None]:
            level = drawn['level']
            which = jnp.where(level > 0, drawn['operation'] + 1, 0)
            return jax.lax.switch(which, table, x, level, drawn['side'], fill), None

        # A loop rather than repeated code: the program holds each operation once.
        return jax.lax.scan(step, x, sample)[0]
