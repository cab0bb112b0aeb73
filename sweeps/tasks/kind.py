"""Kind: what every kind of task has beside its examples; those that differ override it."""

from collections.abc import Mapping

import jax
import numpy as np

from sweeps.tasks.arrays import Arrays


class Kind:
    """How stored examples become what a model sees, on the device."""

    @property
    def knobs(self) -> dict[str, float]:
        """Strengths that `draw` reads from its `knobs`, with what they are where a study does not tune them."""
        return {}

    def absent(self) -> list[str]:
        """The prepared sets that it reads and that are not there; of these it knows no more than what is declared."""
        return []

    def example(self) -> jax.ShapeDtypeStruct:
        """Shape `[1, ...]` and type of one stored example: as found in the data, or as declared where these are absent.

        Raises ValueError where it can be known neither way.
        """
        if self.absent():
            return self.declared()
        x = self.pool().x
        return jax.ShapeDtypeStruct(x[:1].shape, x.dtype)

    def seen(self) -> jax.ShapeDtypeStruct:
        """Shape `[1, ...]` and type of what the model sees of one example, known where `example` is."""
        return jax.eval_shape(self.inputs, self.example())

    @property
    def domain_names(self) -> tuple[str, ...]:
        """What its examples are of, where each is of one of several domains that are scored by themselves too; none here."""
        return ()

    def domains(self, arrays: Arrays) -> np.ndarray:
        """The number of the domain of each example among `domain_names`: `[n]`."""
        raise NotImplementedError

    def part(self, arrays: Arrays, chosen: np.ndarray) -> Arrays:
        """Some examples of `arrays`; kinds whose scale depends on the examples give theirs its own."""
        return Arrays(arrays.x[chosen], arrays.y[chosen], arrays.group[chosen], arrays.scale)

    def inputs(self, x: jax.Array) -> jax.Array:
        """What the model sees of stored examples `[B, ...]`; here the examples themselves."""
        return x

    def draw(
        self, key: jax.Array, x: jax.Array, y: jax.Array, knobs: Mapping[str, jax.Array]
    ) -> tuple[jax.Array, tuple[tuple[jax.Array, jax.Array | None], ...]]:
        """A training batch as the model sees it, augmented, and its targets: pairs of `y` and their weights `[B]`.

        A weight of None is one. The weights of an example sum to one: mixed examples have the targets of both.
        """
        return self.inputs(x), ((y, None),)
