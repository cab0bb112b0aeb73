"""Augment: a list of augmentations as one function of a batch."""

import dataclasses
import zlib
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp

from arch.make import did_you_mean, make
from sweeps.augment.augmentation import Augmentation
from sweeps.augment.color_jitter import ColorJitter
from sweeps.augment.crop import Crop
from sweeps.augment.flip import Flip
from sweeps.augment.mixing import Cutmix, Mixing, Mixup, MixupOrCutmix, Targets
from sweeps.augment.rand_augment import RandAugment
from sweeps.augment.random_erasing import RandomErasing
from sweeps.augment.random_resized_crop import RandomResizedCrop
from sweeps.augment.recipes import RECIPES
from sweeps.augment.spectrogram_mask import SpectrogramMask

AUGMENTS = {
    'flip': Flip,
    'crop': Crop,
    'random_resized_crop': RandomResizedCrop,
    'rand_augment': RandAugment,
    'color_jitter': ColorJitter,
    'random_erasing': RandomErasing,
    'mixup': Mixup,
    'cutmix': Cutmix,
    'mixup_or_cutmix': MixupOrCutmix,
    'spectrogram_mask': SpectrogramMask,
}


@dataclasses.dataclass(frozen=True)
class Augment:
    """Augmentations by kind, in their order.

    The draws of an example depend on the key, the kind and its place in the batch, and not on other examples or other kinds in
    the list. Only a mixing kind uses another example, the partner.
    """

    kinds: Mapping[str, Augmentation]

    @property
    def knobs(self) -> dict[str, float]:
        """All strengths by the names of their knobs, as the specs give them."""
        return {name: value for kind in self.kinds.values() for name, value in kind.knobs.items()}

    def __call__(
        self, key: jax.Array, x: jax.Array, y: jax.Array, knobs: Mapping[str, jax.Array] | None = None
    ) -> tuple[jax.Array, Targets]:
        """The augmented batch `[B, ...]` and its targets: pairs of `y` and weights `[B]` (None: all one).

        `knobs` replaces strengths of the specs; its other entries are ignored. Raises
        ValueError where x is not of floats.
        """
        if not jnp.issubdtype(x.dtype, jnp.floating):
            raise ValueError(f'augment: a batch of {x.dtype} is given, allowed are floats; divide images of bytes by 255')
        knobs, targets = knobs or {}, ((y, None),)
        for name, kind in self.kinds.items():
            keys = _keys(key, name, len(x))
            if isinstance(kind, Mixing):
                x, targets = kind.mix(keys, x, y, knobs)
            else:
                x = kind(keys, x, knobs)
        return x, targets

    def with_maps(
        self, key: jax.Array, x: jax.Array, y: jax.Array, knobs: Mapping[str, jax.Array] | None = None
    ) -> tuple[jax.Array, jax.Array]:
        """The augmented batch `[B, H, W, C]`, and its maps of classes `[B, H, W]`, moved as it is; -1 where nothing is known.

        Raises ValueError for a kind that cannot move a map.
        """
        self.check_maps()
        for name, kind in self.kinds.items():
            keys = _keys(key, name, len(x))
            if kind.MAPS == 'moved':
                # As one more channel, 0 where there is no class: what is moved in from outside is 0 as well.
                both = kind(keys, jnp.concatenate([x, (y + 1).astype(x.dtype)[..., None]], -1), knobs or {})
                x, y = both[..., :-1], both[..., -1].round().astype(y.dtype) - 1
            else:
                x = kind(keys, x, knobs or {})
        return x, y

    def check_maps(self) -> None:
        """Raise ValueError for a kind that mixes examples, or neighbouring pixels: a class has no mean."""
        wrong = [name for name, kind in self.kinds.items() if not kind.MAPS]
        if wrong:
            fit = sorted(name for name, cls in AUGMENTS.items() if cls.MAPS)
            raise ValueError(f'augment: {wrong} would not move a map of classes with its image; allowed with maps: {fit}')


def _keys(key: jax.Array, name: str, count: int) -> jax.Array:
    stream = jax.random.fold_in(key, zlib.crc32(name.encode()))
    return jax.vmap(lambda place: jax.random.fold_in(stream, place))(jnp.arange(count))


def _parts(spec: dict) -> Sequence[dict]:
    """The specs of the recipe that a spec names, or the spec itself."""
    kind = spec.get('kind') if isinstance(spec, dict) else None
    if not isinstance(kind, str) or kind in AUGMENTS:
        return [spec]
    if kind not in RECIPES:
        near = did_you_mean(kind, [*AUGMENTS, *RECIPES])
        raise ValueError(f"augment: unknown kind '{kind}'; allowed: {list(AUGMENTS)} or a recipe of {list(RECIPES)}.{near}")
    if len(spec) > 1:
        own = [name for name in spec if name != 'kind']
        raise ValueError(
            f"augment: the recipe '{kind}' is given {own}, allowed are no fields; write its specs out to change them"
        )
    return RECIPES[kind]


def make_augment(specs: Sequence[dict]) -> Augment:
    """The augmentations of a list of specs {'kind': ..., fields}. A kind may be the name of a recipe.

    Raises ValueError on an unknown kind or field, a value outside its range, a kind given twice, or two kinds that mix
    examples.
    """
    kinds: dict[str, Augmentation] = {}
    for spec in (part for given in specs for part in _parts(given)):
        kind = make('augment', AUGMENTS, spec)
        if spec['kind'] in kinds:
            raise ValueError(
                f"augment: '{spec['kind']}' is given twice, allowed is once; its knobs would be the same: drop one"
            )
        kinds[spec['kind']] = kind
    mixing = [name for name, kind in kinds.items() if isinstance(kind, Mixing)]
    if len(mixing) > 1:
        raise ValueError(f"augment: {mixing} both mix examples, allowed is one of them; take 'mixup_or_cutmix' for both")
    return Augment(kinds)
