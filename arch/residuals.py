"""Residual rules: how a branch joins the stream. `(x, before, after, norm, context)`; `[..., C] -> [..., C]`.

A branch is two stages with the norm between: after(norm(before(x))). In a block of two branches `before` does nothing and
`after` is the mixer or the channel block; in a block of one branch (ConvNeXt) `before` is the mixer and `after` the channel
block. `keep` thins whole branches at random while training (stochastic depth, 1603.09382): the traced rate `drop_path`
times `place`, 0 at the first block, 1 at the last.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.context import Context
from arch.vectors import per_channel


def keep(module: nn.Module, branch: jax.Array, place: float, context: Context) -> jax.Array:
    """Drop the branch of an example with probability place * drop_path, scaling what is kept (1603.09382)."""
    if not context.train or 'drop_path' not in context.knobs:
        return branch
    rate = jnp.asarray(place * context.knobs['drop_path'], jnp.float32)
    shape = (len(branch),) + (1,) * (branch.ndim - 1)
    kept = jax.random.uniform(module.make_rng('noise'), shape) >= rate
    return jnp.where(kept, branch / (1 - rate).astype(branch.dtype), 0)


class Pre(nn.Module):
    """Norm at the start of the branch (2002.04745): x + after(norm(before(x))).

    `[..., C] -> [..., C]`
    """

    KNOBS = {'drop_path': 0.0}

    place: float = 0.0

    @nn.compact
    def __call__(self, x: jax.Array, before: Callable, after: Callable, norm: Callable, context: Context) -> jax.Array:
        return x + keep(self, after(norm(before(x))), self.place, context)


class Post(nn.Module):
    """Norm after the sum (1706.03762): norm(x + after(before(x))).

    `[..., C] -> [..., C]`
    """

    KNOBS = {'drop_path': 0.0}

    place: float = 0.0

    @nn.compact
    def __call__(self, x: jax.Array, before: Callable, after: Callable, norm: Callable, context: Context) -> jax.Array:
        return norm(x + keep(self, after(before(x)), self.place, context))


class LayerScale(nn.Module):
    """LayerScale (2103.17239): x + scale * after(norm(before(x))), one scale per channel that starts at `initial`.

    `[..., C] -> [..., C]`. The knob `layer_scale_initial` replaces the field.
    """

    KNOBS = {'drop_path': 0.0, 'layer_scale_initial': 'initial'}

    initial: float = 1e-6
    place: float = 0.0

    @nn.compact
    def __call__(self, x: jax.Array, before: Callable, after: Callable, norm: Callable, context: Context) -> jax.Array:
        initial = context.knob('layer_scale_initial', self.initial)
        scale = self.param('scale', lambda key: initial * jnp.ones((x.shape[-1],), jnp.float32))
        return x + keep(self, per_channel(scale, x) * after(norm(before(x))), self.place, context)


class Rezero(nn.Module):
    """ReZero (2003.04887): x + gain * after(norm(before(x))), one scalar gain that starts at 0.

    `[..., C] -> [..., C]`. The paper's own form has no norm: swap the norm for identity to get it.
    """

    KNOBS = {'drop_path': 0.0}

    place: float = 0.0

    @nn.compact
    def __call__(self, x: jax.Array, before: Callable, after: Callable, norm: Callable, context: Context) -> jax.Array:
        gain = self.param('gain', lambda key: jnp.zeros((), jnp.float32))
        return x + keep(self, gain.astype(x.dtype) * after(norm(before(x))), self.place, context)


class SkipInit(nn.Module):
    """SkipInit (2002.10444): x + gain * after(norm(before(x))), one scalar gain that starts at `initial`.

    `[..., C] -> [..., C]`. The form is ReZero's; here the first gain can be chosen, by the field or by the knob
    `skip_init_initial`: 0, or for L blocks about 1 / sqrt(L). The paper's own branches have no norm: swap the norm for
    identity to get them.
    """

    KNOBS = {'drop_path': 0.0, 'skip_init_initial': 'initial'}

    initial: float = 0.0
    place: float = 0.0

    @nn.compact
    def __call__(self, x: jax.Array, before: Callable, after: Callable, norm: Callable, context: Context) -> jax.Array:
        initial = context.knob('skip_init_initial', self.initial)
        gain = self.param('gain', lambda key: initial * jnp.ones((), jnp.float32))
        return x + keep(self, gain.astype(x.dtype) * after(norm(before(x))), self.place, context)


class Sandwich(nn.Module):
    """Norms at the start and at the end of the branch (Peri-LN, 2502.02732): x + norm_after(after(norm(before(x)))).

    `[..., C] -> [..., C]`. The second norm is one more of the kind in the norm socket, with parameters of its own.
    """

    KNOBS = {'drop_path': 0.0}

    sockets: object
    place: float = 0.0

    @nn.compact
    def __call__(self, x: jax.Array, before: Callable, after: Callable, norm: Callable, context: Context) -> jax.Array:
        branch = self.sockets.make('norm', name='norm_after')(after(norm(before(x))), context)
        return x + keep(self, branch, self.place, context)


class NoResidual(nn.Module):
    """No residual: after(norm(before(x))).

    `[..., C] -> [..., C]`
    """

    place: float = 0.0

    @nn.compact
    def __call__(self, x: jax.Array, before: Callable, after: Callable, norm: Callable, context: Context) -> jax.Array:
        return after(norm(before(x)))


RESIDUALS = {
    'pre': Pre,
    'post': Post,
    'sandwich': Sandwich,
    'layer_scale': LayerScale,
    'rezero': Rezero,
    'skip_init': SkipInit,
    'none': NoResidual,
}
