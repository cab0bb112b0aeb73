"""Attention residuals: each branch looks up the outputs of all before it."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Residual
from arch.branch import Branch
from arch.context import Context
from arch.norms import RmsNorm
from arch.residuals.stochastic_depth import stochastic_depth
from arch.vectors import per_channel


class Lookup(nn.Module):
    """softmax_i(query . rms_norm(v_i)) over outputs v_i, at each position alone; the query is learned and starts at 0.

    `[L, ..., C] -> [..., C]`
    """

    @nn.compact
    def __call__(self, outputs: jax.Array, context: Context) -> jax.Array:
        keys = RmsNorm(name='norm')(outputs.astype(jnp.float32), context)
        query = self.param('scale', nn.initializers.zeros, (outputs.shape[-1],), jnp.float32)
        weights = jax.nn.softmax((per_channel(query, keys) * keys).sum(-1), axis=0)
        return jnp.einsum('l...,l...c->...c', weights.astype(outputs.dtype), outputs)


class AttentionResiduals(Residual):
    """Attention residuals (2603.15031), full: v_l = branch(sum_i a_i v_i), a_i = softmax_i(w_l . rms_norm(v_i)), i < l.

    `[..., C] -> [..., C]`. v_0 is what enters, v_l the output of the l-th branch, pre-normed. What leaves is one more such sum
    with a query of its own. Queries w_l start at 0, so every sum starts as a mean; the norm has a learned scale for each
    query. The first branch has one output to look up, so no query. A branch that stochastic depth drops stays as zeros.
    """

    KNOBS = {'drop_path': 0.0}
    STREAMS = True
    SCANS = False

    @nn.nowrap
    def enter(self, x: jax.Array) -> tuple[jax.Array, ...]:
        return (x,)

    @nn.nowrap
    def leave(self, stream: tuple[jax.Array, ...], context: Context, name: str) -> jax.Array:
        return Lookup(name=name)(jnp.stack(stream), context)

    @nn.compact
    def __call__(self, stream: tuple[jax.Array, ...], branch: Branch, context: Context) -> tuple[jax.Array, ...]:
        x = stream[0] if len(stream) == 1 else Lookup(name='lookup')(jnp.stack(stream), context)
        return (*stream, stochastic_depth(self, branch(x, context), context))
