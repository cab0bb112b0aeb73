"""random_erasing: a rectangle of the image is overwritten."""

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp

from sweeps.augment.augmentation import Augmentation, channels, within
from sweeps.augment.rectangle import ATTEMPTS, draw_rectangle, inside, place

FILLS = ('noise', 'constant')


@dataclasses.dataclass(frozen=True)
class RandomErasing(Augmentation):
    """A random rectangle overwritten, with a probability (1708.04896).

    Its area is uniform between `area_low` and `area_high` of the image's and the logarithm of its width over its height
    uniform between -log and log of `ratio_low`. Ten rectangles are tried; if none is smaller than the image nothing is
    erased. `fill`: 'noise' draws each value of each pixel from a normal distribution, 'constant' writes its mean. `mean` and
    `deviation` hold one value or one for each channel: those of the dataset give what noise of deviation 1 is after
    normalisation. Noise leaves [0, 1], so what follows must not rely on it.
    """

    probability: float = 0.25
    area_low: float = 0.02
    area_high: float = 1 / 3
    ratio_low: float = 0.3
    fill: str = 'noise'
    mean: tuple[float, ...] = (0.5,)
    deviation: tuple[float, ...] = (0.25,)

    MAPS = 'kept'
    KNOBS = {'erase_probability': 'probability', 'erase_area': 'area_high'}

    SKIPS = True

    def __post_init__(self):
        kind = 'random_erasing'
        self.check_strengths(kind)
        within(kind, 0, self.area_high, area_low=self.area_low)
        within(kind, 1e-3, 1, ratio_low=self.ratio_low)
        if self.fill not in FILLS:
            raise ValueError(f"augment '{kind}': fill={self.fill!r} is given, allowed: {list(FILLS)}; choose one")

    def sample(self, key: jax.Array, shape: tuple[int, ...], settings: Mapping[str, jax.Array]) -> dict:
        chance, noise = jax.random.split(key)
        draws = jax.random.uniform(chance, (3 + 2 * ATTEMPTS,))
        high = settings['area_high']
        area = jnp.minimum(self.area_low, high), high
        ratio = self.ratio_low, 1 / self.ratio_low
        height, width, fits = draw_rectangle(draws[3:], shape[:2], area, ratio, (shape[0] - 1, shape[1] - 1))
        erased = fits & (draws[0] < settings['probability'])
        return {
            'erased': erased,
            'rectangle': jnp.stack([*place(draws[1:3], shape[:2], height, width), height, width]),
            'noise': noise,
        }

    def change(self, x: jax.Array, sample: dict) -> jax.Array:
        mean, deviation = (channels('random_erasing', v, x.shape[-1]) for v in (self.mean, self.deviation))

        def erase() -> jax.Array:
            new = mean + deviation * jax.random.normal(sample['noise'], x.shape) if self.fill == 'noise' else mean
            return jnp.where(inside(x.shape[:2], *sample['rectangle'])[..., None], new, x)

        return jax.lax.cond(sample['erased'], erase, lambda: x)
