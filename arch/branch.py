"""Branch: the function that a residual rule adds to its stream."""

import dataclasses
from collections.abc import Callable

import jax

from arch.context import Context


def unchanged(x: jax.Array, context: Context) -> jax.Array:
    """The identity, as a stage of a branch."""
    return x


@dataclasses.dataclass(frozen=True)
class Branch:
    """Two stages `(x, context)` with a norm between: a call gives after(norm(before(x))).

    In a block of two branches `before` does nothing and `after` is the mixer or the channel block; in a block of one branch
    (ConvNeXt) `before` is the mixer and `after` the channel block. Depth-muP multiplies what a call gives (arch/initials.py).
    """

    before: Callable
    norm: Callable
    after: Callable

    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        y = self.after(self.norm(self.before(x, context), context), context)
        factor = context.initial.branch(context.depth)
        return y if factor == 1 else factor * y

    def bare(self, x: jax.Array, context: Context) -> jax.Array:
        """The branch without its norm: after(before(x))."""
        return self.after(self.before(x, context), context)
