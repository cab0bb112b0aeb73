"""Hyper-connections: several streams in place of one, and learned connections among them."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Residual
from arch.branch import Branch
from arch.context import Context
from arch.make import positive
from arch.norms import LayerNorm
from arch.residuals.coefficients import Coefficients
from arch.residuals.stochastic_depth import stochastic_depth


def number(context: Context, closing: bool) -> int | jax.Array:
    """The number of a residual branch in the body: 2 layer and 2 layer + 1 in blocks of two branches, layer in blocks of one.

    `closing`: the branch is the last of its block.

    >>> context = Context(layer=3, depth=4, branches=8)
    >>> number(context, closing=False), number(context, closing=True)
    (6, 7)
    """
    each = max(context.branches // context.depth, 1)
    return each * context.layer + (each - 1 if closing else 0)


class HyperConnections(Residual):
    """Dynamic hyper-connections (2409.19606): n streams H to A_r^T H + B^T branch(A_m^T H), branch pre-normed.

    `[..., C] -> [..., C]`. The stream is [..., n, C], n = `streams` copies of x at first and summed at last. A_m [n, 1] and
    A_r [n, n] are static + gain_a tanh(norm(H) W_a), B [n] is static + gain_b tanh(norm(H) W_b), for each position. norm is
    a layer norm of each stream, one of the rule's own and not the model's. Static numbers start as pre-norm on one stream
    of the n, taken in turn by the number of the branch: A_m one-hot, A_r the identity, B ones. W starts at 0 and the gains
    at `initial`, which the knob `hyper_connections_initial` replaces. Raises ValueError for fewer than 1 streams.
    """

    KNOBS = {'drop_path': 0.0, 'hyper_connections_initial': 'initial'}
    STREAMS = True

    streams: int = 4
    initial: float = 0.01
    closing: bool = True

    @nn.nowrap
    def enter(self, x: jax.Array) -> jax.Array:
        positive("residual 'hyper_connections'", streams=self.streams)
        return jnp.repeat(x[..., None, :], self.streams, axis=-2)

    @nn.nowrap
    def leave(self, stream: jax.Array, context: Context, name: str) -> jax.Array:
        return stream.sum(-2)

    @nn.compact
    def __call__(self, stream: jax.Array, branch: Branch, context: Context) -> jax.Array:
        count = stream.shape[-2]
        gain = context.knob('hyper_connections_initial', self.initial)
        normed = LayerNorm(name='norm')(stream, context)
        reads = jax.nn.one_hot(number(context, self.closing) % count, count)[:, None]
        first = jnp.concatenate([reads, jnp.eye(count)], axis=-1)
        width = Coefficients(gain, tanh=True, name='width')(normed, first, context).astype(stream.dtype)
        depth = Coefficients(gain, tanh=True, name='depth')(normed, jnp.ones((count, 1)), context).astype(stream.dtype)
        mixed = jnp.einsum('...st,...sc->...tc', width, stream)
        y = stochastic_depth(self, branch(mixed[..., 0, :], context), context)
        return mixed[..., 1:, :] + depth * y[..., None, :]
