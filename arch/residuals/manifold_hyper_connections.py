"""Manifold-constrained hyper-connections: streams that are mixed without being amplified."""

import math

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Residual
from arch.branch import Branch
from arch.context import Context
from arch.make import positive
from arch.ops.sinkhorn import sinkhorn
from arch.residuals.coefficients import Coefficients
from arch.residuals.stochastic_depth import stochastic_depth


class ManifoldHyperConnections(Residual):
    """Manifold-constrained hyper-connections (mHC, 2512.24880): n streams H to H_res H + H_post^T branch(H_pre H).

    `[..., C] -> [..., C]`. The stream is [..., n, C], n = `streams` copies of x at first. For each position H_pre [n] is
    sigmoid(pre), H_post [n] is 2 sigmoid(post) and H_res [n, n] is exp(res) after `steps` of Sinkhorn-Knopp: its rows and
    columns sum to 1. Each of pre, post and res is bias + gain (h W) with h the n C numbers of the position, divided by their
    root mean square; a learned scale of that norm would be one with W. What leaves is one more H_pre H, as in DeepSeek-V4:
    with a mere sum the last H_res would change nothing. The first H_res of a body mixes copies, so it changes nothing yet.

    H_pre starts at 1 / n, H_post at 1, H_res near the identity: since the streams start alike, that is a pre-norm residual,
    but for the gains of `initial` 0.01. They must not start at 0: W is drawn as other kernels, and without it the streams
    would be alike for ever. `identity` is the first bias on the diagonal of res, which the paper leaves open. Knobs:
    `hyper_connections_initial` and `hyper_connections_identity` replace the fields. Raises ValueError for fewer than 2
    streams or 1 step.
    """

    KNOBS = {'drop_path': 0.0, 'hyper_connections_initial': 'initial', 'hyper_connections_identity': 'identity'}
    STREAMS = True

    streams: int = 4
    steps: int = 20
    initial: float = 0.01
    identity: float = 4.0
    eps: float = 1e-6

    @nn.nowrap
    def enter(self, x: jax.Array) -> jax.Array:
        for name, value, least in (('streams', self.streams, 2), ('steps', self.steps, 1)):
            if value < least:
                raise ValueError(
                    f"residual 'manifold_hyper_connections': {name}={value} is given, allowed is {least} or more; raise {name}"
                )
        positive("residual 'manifold_hyper_connections'", eps=self.eps)
        return jnp.repeat(x[..., None, :], self.streams, axis=-2)

    @nn.nowrap
    def leave(self, stream: jax.Array, context: Context, name: str) -> jax.Array:
        return self._read(stream, context, name)

    @nn.compact
    def __call__(self, stream: jax.Array, branch: Branch, context: Context) -> jax.Array:
        count = stream.shape[-2]
        diagonal = context.knob('hyper_connections_identity', self.identity) * jnp.eye(count)
        write = 2 * jax.nn.sigmoid(self._coefficients(stream, jnp.zeros((count,)), context, 'post'))
        logits = self._coefficients(stream, diagonal.reshape(-1), context, 'res')
        mix = sinkhorn(logits.reshape(*logits.shape[:-1], count, count), self.steps)
        write, mix = write.astype(stream.dtype), mix.astype(stream.dtype)
        y = stochastic_depth(self, branch(self._read(stream, context, 'pre'), context), context)
        return jnp.einsum('...st,...tc->...sc', mix, stream) + write[..., None] * y[..., None, :]

    @nn.nowrap
    def _read(self, stream: jax.Array, context: Context, name: str) -> jax.Array:
        """H_pre H."""
        count = stream.shape[-2]
        read = jax.nn.sigmoid(self._coefficients(stream, jnp.full((count,), -math.log(count - 1)), context, name))
        return jnp.einsum('...s,...sc->...c', read.astype(stream.dtype), stream)

    @nn.nowrap
    def _coefficients(self, stream: jax.Array, first: jax.Array, context: Context, name: str) -> jax.Array:
        """bias + gain (h W) for each position, in the scope that calls it."""
        wide = stream.reshape(*stream.shape[:-2], -1).astype(jnp.float32)
        normed = wide * jax.lax.rsqrt(jnp.square(wide).mean(-1, keepdims=True) + self.eps)
        gain = context.knob('hyper_connections_initial', self.initial)
        return Coefficients(gain, drawn=True, name=name)(normed, first, context)
