"""spectrogram_mask: stretches of time and bands of frequency are blanked."""

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp

from sweeps.augment.augmentation import Augmentation, within

FILLS = ('zero', 'mean')


@dataclasses.dataclass(frozen=True)
class SpectrogramMask(Augmentation):
    """Time and frequency masks of SpecAugment (1904.08779) on `[B, time, mel]` or `[B, time, mel, 1]`.

    A mask's width is uniform in the whole numbers 0 to the largest, its start in [0, size - width). The largest width of a
    time mask is also at most `time_share` of the time. Masks may overlap. The largest widths are knobs, rounded down; the
    defaults are the paper's LibriSpeech double policy. `fill`: 'zero', right for spectrograms of mean zero, or 'mean', the
    example's own mean.
    """

    time_width: int = 100
    frequency_width: int = 27
    time_masks: int = 2
    frequency_masks: int = 2
    time_share: float = 1.0
    fill: str = 'zero'

    MAPS = 'kept'
    KNOBS = {'time_mask_width': 'time_width', 'frequency_mask_width': 'frequency_width'}

    def __post_init__(self):
        kind = 'spectrogram_mask'
        self.check_strengths(kind)
        for name in ('time_masks', 'frequency_masks'):
            if getattr(self, name) < 0:
                raise ValueError(f"augment '{kind}': {name}={getattr(self, name)} is given, allowed is 0 or more; raise {name}")
        within(kind, 0, 1, time_share=self.time_share)
        if self.fill not in FILLS:
            raise ValueError(f"augment '{kind}': fill={self.fill!r} is given, allowed: {list(FILLS)}; choose one")

    def sample(self, key: jax.Array, shape: tuple[int, ...], settings: Mapping[str, jax.Array]) -> dict:
        draws = jax.random.uniform(key, (2, self.time_masks + self.frequency_masks))
        time, frequency = draws[:, : self.time_masks], draws[:, self.time_masks :]
        share = int(self.time_share * shape[0])
        return {
            'time': _bands(time, jnp.minimum(settings['time_width'], share), shape[0]),
            'frequency': _bands(frequency, jnp.minimum(settings['frequency_width'], shape[1]), shape[1]),
        }

    def change(self, x: jax.Array, sample: dict) -> jax.Array:
        masked = _covered(sample['time'], x.shape[0])[:, None] | _covered(sample['frequency'], x.shape[1])
        fill = x.mean() if self.fill == 'mean' else 0
        return jnp.where(masked.reshape(masked.shape + (1,) * (x.ndim - 2)), fill, x)


def _bands(draws: jax.Array, widest: jax.Array, size: int) -> jax.Array:
    """Starts and widths of the masks of one axis, from as many draws. `[2, count] -> [2, count]`"""
    widest = jnp.floor(jnp.asarray(widest, jnp.float32))
    widths = jnp.floor(draws[0] * (widest + 1))
    starts = jnp.floor(draws[1] * (size - widths))
    return jnp.stack([starts, widths]).astype(jnp.int32)


def _covered(bands: jax.Array, size: int) -> jax.Array:
    """True where any of the bands lies. `[size]`"""
    starts, widths = bands[..., None]
    return ((jnp.arange(size) >= starts) & (jnp.arange(size) < starts + widths)).any(0)
