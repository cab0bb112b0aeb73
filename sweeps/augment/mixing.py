"""mixup, cutmix and one or the other: examples mixed with a partner, and the weights of both targets.

The partner of an example is the one at its place in the reversed batch, which for a shuffled batch is any other; the middle
one of an odd batch is its own. Each example draws a share of its own; some implementations draw one for the batch.
"""

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp

from sweeps.augment.augmentation import Augmentation
from sweeps.augment.rectangle import inside

Targets = tuple[tuple[jax.Array, jax.Array | None], ...]


def draw_share(key: jax.Array, alpha: jax.Array) -> jax.Array:
    """A share from Beta(alpha, alpha); 1 where alpha is 0."""
    alpha = jnp.asarray(alpha, jnp.float32)
    some = jnp.where(alpha > 0, alpha, 1)
    return jnp.where(alpha > 0, jax.random.beta(key, some, some), 1.0)


def draw_patch(draws: jax.Array, shape: tuple[int, int], share: jax.Array) -> jax.Array:
    """Top, left, height and width of a patch that holds about 1 - share of the image, clipped to it (1905.04899, eq. 2).

    Its sides are those of the image times sqrt(1 - share), rounded down to even numbers, and its centre, from two draws, is any
    pixel.
    """
    sides = jnp.asarray(shape, jnp.float32)
    half = jnp.floor(sides * jnp.sqrt(1 - share)) // 2
    centre = jnp.floor(draws * sides)
    first, last = jnp.maximum(centre - half, 0), jnp.minimum(centre + half, sides)
    return jnp.concatenate([first, last - first]).astype(jnp.int32)


class Mixing(Augmentation):
    """A kind that mixes examples. `sample` draws `share`, of the example in the blend, and the `patch` of its partner."""

    def mix(self, keys: jax.Array, x: jax.Array, y: jax.Array, knobs: Mapping[str, jax.Array]) -> tuple[jax.Array, Targets]:
        """The mixed batch, and the examples' own and their partners' targets with weights that sum to one."""
        settings = self.settings(knobs)
        samples = jax.vmap(lambda key: self.sample(key, x.shape[1:], settings))(keys)
        mixed, weight = jax.vmap(self.blend)(x, x[::-1], samples)
        return mixed, ((y, 1 - weight), (y[::-1], weight))

    def blend(self, x: jax.Array, partner: jax.Array, sample: dict) -> tuple[jax.Array, jax.Array]:
        """One mixed example and its partner's weight in it."""
        weight, new = jnp.float32(0), x
        if 'share' in sample:
            weight = 1 - sample['share']
            new = jnp.where(weight == 0, x, sample['share'] * x + weight * partner)
        if 'patch' in sample:
            patch = sample['patch']
            new = jnp.where(inside(x.shape[:2], *patch)[..., None], partner, new)
            # Where there is a patch nothing is blended, so its area is the whole of the partner's weight.
            weight = weight + (patch[2] * patch[3]).astype(jnp.float32) / (x.shape[0] * x.shape[1])
        return new, weight


@dataclasses.dataclass(frozen=True)
class Mixup(Mixing):
    """Weighted means of two examples, the weight from Beta(alpha, alpha) (1710.09412)."""

    alpha: float = 0.8
    probability: float = 1.0

    KNOBS = {'mixup_alpha': 'alpha', 'mixup_probability': 'probability'}

    def __post_init__(self):
        self.check_strengths('mixup')

    def sample(self, key: jax.Array, shape: tuple[int, ...], settings: Mapping[str, jax.Array]) -> dict:
        coin, share = jax.random.split(key)
        mixed = jax.random.uniform(coin) < settings['probability']
        return {'share': jnp.where(mixed, draw_share(share, settings['alpha']), 1.0)}


@dataclasses.dataclass(frozen=True)
class Cutmix(Mixing):
    """A patch of the partner in the example's place, its area from Beta(alpha, alpha) before clipping (1905.04899)."""

    alpha: float = 1.0
    probability: float = 1.0

    KNOBS = {'cutmix_alpha': 'alpha', 'cutmix_probability': 'probability'}

    def __post_init__(self):
        self.check_strengths('cutmix')

    def sample(self, key: jax.Array, shape: tuple[int, ...], settings: Mapping[str, jax.Array]) -> dict:
        share, rest = jax.random.split(key)
        draws = jax.random.uniform(rest, (3,))
        mixed = draws[0] < settings['probability']
        return {'patch': draw_patch(draws[1:], shape[:2], jnp.where(mixed, draw_share(share, settings['alpha']), 1.0))}


@dataclasses.dataclass(frozen=True)
class MixupOrCutmix(Mixing):
    """For each example mixup or, with probability `cutmix_share`, cutmix (the recipe of DeiT, 2012.12877).

    If one alpha is 0, all examples are mixed by the other kind. `probability` is that of mixing at all.
    """

    mixup_alpha: float = 0.8
    cutmix_alpha: float = 1.0
    cutmix_share: float = 0.5
    probability: float = 1.0

    KNOBS = {
        'mixup_alpha': 'mixup_alpha',
        'cutmix_alpha': 'cutmix_alpha',
        'cutmix_share': 'cutmix_share',
        'mix_probability': 'probability',
    }

    def __post_init__(self):
        self.check_strengths('mixup_or_cutmix')

    def sample(self, key: jax.Array, shape: tuple[int, ...], settings: Mapping[str, jax.Array]) -> dict:
        share, rest = jax.random.split(key)
        draws = jax.random.uniform(rest, (4,))
        both = jnp.where(settings['mixup_alpha'] > 0, settings['cutmix_share'], 1.0)
        cut = draws[1] < jnp.where(settings['cutmix_alpha'] > 0, both, 0.0)
        alpha = jnp.where(cut, settings['cutmix_alpha'], settings['mixup_alpha'])
        mixed = draws[0] < settings['probability']
        drawn = jnp.where(mixed, draw_share(share, alpha), 1.0)
        return {'share': jnp.where(cut, 1.0, drawn), 'patch': draw_patch(draws[2:], shape[:2], jnp.where(cut, drawn, 1.0))}
