"""Value embeddings: attention's values also hold something of the token itself, from a table."""

import dataclasses
import math

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Residual
from arch.branch import Branch
from arch.context import Context
from arch.model_sockets import Sockets
from arch.parameter import parameter
from arch.residuals.stochastic_depth import stochastic_depth

GAINS = ('layer', 'head')


class ValueEmbeddings(Residual):
    """Value embeddings (modded-nanogpt, 2024; nanochat): pre-norm, and attention's values are V + gain E[ids].

    `[B, N, C] -> [B, N, C]`
    The table E [vocabulary, K D] of each layer has a row for every token of the stem, as wide as the layer's values
    [B, N, K, D], which are fewer where heads share them; the model's `initial` kind draws it. `gains`: one learned gain for
    each 'layer' or for each 'head' of values; they start at `initial`. A `stack` gives tables to some layers alone. Either code
    has one thing more: modded-nanogpt a gain of V, nanochat gates of heads that depend on x in place of gains. Raises
    ValueError for unknown gains, where the stem has no table of tokens, and in a body that hands on no tokens.
    """

    FITS = ('isotropic', 'causal', 'bidirectional', 'tokens')
    KNOBS = {'drop_path': 0.0}
    NEEDS = ('values',)

    sockets: Sockets
    gains: str = 'layer'
    initial: float = 1.0

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        name = f"residual '{self.sockets.kind('residual')}'"
        if self.gains not in GAINS:
            raise ValueError(f'{name}: gains={self.gains!r}; allowed: {list(GAINS)}; change gains')
        if not self.vocabulary:
            table = self.sockets.tables['residual']
            fit = sorted(kind for kind, cls in table.items() if not issubclass(cls, ValueEmbeddings))
            raise ValueError(
                f"{name} has a row for every token of the stem, and stem '{self.sockets.kind('stem')}' has no table of tokens; "
                f"allowed with it: {fit}; swap the residual, or swap('stem', 'tokens', vocabulary=...)"
            )

    @property
    def vocabulary(self) -> int:
        """The number of the stem's tokens, 0 where it has no table."""
        return self.sockets.make('stem', name=None, parent=None, features=1).vocabulary

    @nn.compact
    def __call__(self, x: jax.Array, branch: Branch, context: Context) -> jax.Array:
        return x + self.branched(x, branch, context, [])

    @nn.nowrap
    def branched(self, x: jax.Array, branch: Branch, context: Context, rows: list[jax.Array]) -> jax.Array:
        """What the branch gives. `rows`: the rows [B, N, K D] that the tokens name; they are put there where it is empty."""
        self.check(x.shape[-1], context.causal)

        def values(own: jax.Array) -> jax.Array:
            # Only a mixer calls this: table and gains are made here, so that a channel branch has none.
            if not rows:
                rows.append(self.rows(own, context))
            one, other = rows[0].shape[-1], math.prod(own.shape[2:])
            if one != other:
                raise ValueError(
                    f"residual '{self.sockets.kind('residual')}': one table for all layers has rows of {one} numbers, and a "
                    f'layer has values of {other}; allowed: values of one width; give all layers the same heads of values, or '
                    "swap('residual', 'value_embeddings')"
                )
            count = own.shape[2] if self.gains == 'head' else 1
            gain = parameter(self, 'gain', nn.initializers.constant(self.initial), (count,))
            return own + gain.astype(own.dtype)[None, None, :, None] * rows[0].reshape(own.shape).astype(own.dtype)

        return stochastic_depth(self, branch(x, dataclasses.replace(context, values=values)), context)

    @nn.nowrap
    def rows(self, own: jax.Array, context: Context) -> jax.Array:
        """The rows of a new table for the tokens of these values."""
        if context.ids is None or context.ids.shape != own.shape[:2]:
            raise ValueError(
                f"residual '{self.sockets.kind('residual')}': each position needs a token, and there are "
                f'{"none" if context.ids is None else list(context.ids.shape)} for values of {list(own.shape[:2])} positions; '
                "allowed: bodies 'isotropic' and 'towers' with a stem of one position for each token; swap the residual"
            )
        shape = (self.vocabulary, math.prod(own.shape[2:]))
        table = parameter(self, 'embedding', lambda key, shape: context.initial.embedding(key, shape), shape)
        return jnp.asarray(table)[context.ids]


Stream = tuple[jax.Array, jax.Array | None]
"""The stream: the running array, and the rows of the tokens once there are some."""


class SharedValueEmbeddings(ValueEmbeddings):
    """Value embeddings of one table for all layers, each with gains of its own: attention's values are V + gain E[ids].

    `[B, N, C] -> [B, N, C]`
    The table is that of the first layer with values, and all layers need values of one width. modded-nanogpt has three tables,
    each for one of the first and one of the last layers. The fields are those of 'value_embeddings'. Raises ValueError as that
    does, and for layers with values of different widths.
    """

    STREAMS = True
    SCANS = False

    @nn.nowrap
    def enter(self, x: jax.Array) -> Stream:
        return x, None

    @nn.nowrap
    def leave(self, stream: Stream, context: Context, name: str) -> jax.Array:
        return stream[0]

    @nn.compact
    def __call__(self, stream: Stream, branch: Branch, context: Context) -> Stream:
        x, known = stream
        rows = [] if known is None else [known]
        x = x + self.branched(x, branch, context, rows)
        return x, rows[0] if rows else None
