"""Context: a block's second argument, beside its input."""

import dataclasses
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp

from arch.initials import Initial, LecunNormal
from arch.past import Past


@dataclasses.dataclass(frozen=True)
class Context:
    """What every block receives with its input.

    `causal`: token n may see tokens up to n only. `train`: batch statistics and noise are on. `knobs`: traced scalars by name.
    `initial`: how kernels are drawn. `layer`: the number of the block, counted from 0 and traced in a scan. `depth` and
    `branches`: the numbers of blocks and of residual branches of the body. `branch_scale`: a residual rule's factor on the
    initial kernels of its branch.

    `stages`: the outputs of all stages of a hierarchical body, for its head; none elsewhere. `ids`: the tokens [B, N] of the
    positions of an isotropic body, for a head that learns from them and for tables of values; None where it was given none.
    `past`: where the one token stands that a model gets in generation (arch/past.py); None where it gets all at once.

    The rest is for mixers that list it in `TAKES`. `rotate` maps queries or keys [B, N, K, D] to rotated ones. `bias` maps the
    steps from query to key [..., 1 or 2] and a number of heads to an addition to the scores [K, ...]. `values` maps values [B,
    N, K, D] to values mixed with the first block's. `first_values` maps a block's own values to those of the first block, or to
    None in that block itself. Each is None where the model has none.
    """

    causal: bool = False
    train: bool = False
    knobs: Mapping[str, object] = dataclasses.field(default_factory=dict)
    initial: Initial = dataclasses.field(default_factory=LecunNormal)
    layer: int | jax.Array = 0
    depth: int = 1
    branches: int = 1
    branch_scale: float = 1.0
    stages: tuple[jax.Array, ...] = ()
    ids: jax.Array | None = None
    past: Past | None = None
    rotate: Callable | None = None
    bias: Callable | None = None
    values: Callable | None = None
    first_values: Callable | None = None

    @property
    def place(self) -> float | jax.Array:
        """The relative depth of the block: 0 at the first, 1 at the last.

        >>> Context(layer=1, depth=3).place
        0.5
        """
        return self.layer / max(self.depth - 1, 1)

    @property
    def unended(self) -> 'Context':
        """The context of what stands before a norm that starts the branch: its last product must not do so too."""
        return dataclasses.replace(self, initial=dataclasses.replace(self.initial, branch_end='same'))

    def knob(self, name: str, otherwise: float) -> object:
        """The traced value of a knob if it is set for this run, else the block's own field.

        >>> context = Context(knobs={'alpha0': 0.7})
        >>> context.knob('alpha0', 0.5), context.knob('step_low', 0.001)
        (0.7, 0.001)
        """
        return self.knobs.get(name, otherwise)

    def kernel(
        self,
        key: jax.Array,
        shape: tuple[int, ...],
        fan_in: int,
        fan_out: int,
        end: bool = False,
        branch: bool = True,
    ) -> jax.Array:
        """The first values of a kernel, by the model's `initial` kind and the knob `init_scale`, in float32.

        `end`: the kernel of the last product of a residual branch. `branch`: one that DeepNorm scales (not a query or key).
        """
        scale = self.initial.end(self.branches) if end else 1.0
        if branch:
            scale = scale * self.branch_scale
        drawn = self.initial.draw(key, shape, fan_in, fan_out)
        return jnp.asarray(self.knob('init_scale', 1.0), jnp.float32) * (scale * drawn)
