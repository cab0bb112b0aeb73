"""Augmentation: the base class of all kinds of augmentation, with their knobs and the way over a batch."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from ablations.knobs import KNOBS


class Augmentation:
    """A change of single examples; kinds give `sample` and `change`.

    `sample(key, shape, settings)` draws for one example of `shape`, from the strengths in `settings` {field: scalar}.
    `change(x, sample)` carries it out.
    """

    KNOBS: dict[str, str] = {}
    """The fields that are strengths, by the name of their knob."""

    MAPS = ''
    """What it does to a map of classes [H, W] of an image: 'moved' as the image is, 'kept' where no pixel moves, or unknown."""

    SKIPS = False
    """Whether `change` skips most of its work for some examples (`lax.cond`, `lax.switch`)."""

    @property
    def knobs(self) -> dict[str, float]:
        """All strengths by the names of their knobs, as the spec gives them."""
        return {name: float(getattr(self, field)) for name, field in self.KNOBS.items()}

    def settings(self, knobs: Mapping[str, jax.Array]) -> dict[str, jax.Array]:
        """The strengths by field: from `knobs`, else from the spec."""
        return {field: knobs.get(name, float(getattr(self, field))) for name, field in self.KNOBS.items()}

    def check_strengths(self, kind: str) -> None:
        """Raise ValueError for the first strength of the spec outside the bounds of its knob."""
        for name, field in self.KNOBS.items():
            value, bounds = getattr(self, field), KNOBS[name].bounds
            if value not in bounds:
                raise ValueError(f"augment '{kind}': {field}={value} is given, allowed is {bounds}; change {field}")

    def __call__(self, keys: jax.Array, x: jax.Array, knobs: Mapping[str, jax.Array]) -> jax.Array:
        """Change all examples of a batch, with one key each. `[B, ...] -> [B, ...]`"""
        settings = self.settings(knobs)
        samples = jax.vmap(lambda key: self.sample(key, x.shape[1:], settings))(keys)
        if self.SKIPS and jax.default_backend() == 'cpu':
            # Under vmap all branches run for each example; one after the other, only the branch that is needed runs.
            return jax.lax.map(lambda pair: self.change(*pair), (x, samples))
        return jax.vmap(self.change)(x, samples)

    def sample(self, key: jax.Array, shape: tuple[int, ...], settings: Mapping[str, jax.Array]) -> dict:
        raise NotImplementedError

    def change(self, x: jax.Array, sample: dict) -> jax.Array:
        raise NotImplementedError


def within(kind: str, low: float, high: float, **values: float) -> None:
    """Raise ValueError for the first of `values` outside [low, high]."""
    for name, value in values.items():
        if not low <= value <= high:
            raise ValueError(f"augment '{kind}': {name}={value} is given, allowed is {low:g} to {high:g}; change {name}")


def channels(kind: str, values: tuple[float, ...], count: int) -> jax.Array:
    """`values`, one for all channels or one for each, as an array that broadcasts over images.

    Raises ValueError on any other number of values.
    """
    if len(values) not in (1, count):
        raise ValueError(
            f"augment '{kind}': {len(values)} values {list(values)} for images of {count} channels; allowed: 1 or {count} "
            'values; give one for each channel'
        )
    return jnp.asarray(values, jnp.float32)
