"""Residual rules whose stream is the array itself."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Residual
from arch.branch import Branch
from arch.context import Context
from arch.model_sockets import Sockets
from arch.residuals.stochastic_depth import stochastic_depth
from arch.vectors import per_channel


class Pre(Residual):
    """Norm at the start of the branch (2002.04745): x + after(norm(before(x))).

    `[..., C] -> [..., C]`
    """

    KNOBS = {'drop_path': 0.0}

    @nn.compact
    def __call__(self, x: jax.Array, branch: Branch, context: Context) -> jax.Array:
        return x + stochastic_depth(self, branch(x, context), context)


class Post(Residual):
    """Norm after the sum (1706.03762): norm(x + after(before(x))).

    `[..., C] -> [..., C]`
    """

    KNOBS = {'drop_path': 0.0}

    @nn.compact
    def __call__(self, x: jax.Array, branch: Branch, context: Context) -> jax.Array:
        return branch.norm(x + stochastic_depth(self, branch.bare(x, context), context), context)


class ResPost(Residual):
    """Norm at the end of the branch alone (Swin V2, 2111.09883; OLMo 2, 2501.00656): x + norm(after(before(x))).

    `[..., C] -> [..., C]`
    """

    KNOBS = {'drop_path': 0.0}

    @nn.compact
    def __call__(self, x: jax.Array, branch: Branch, context: Context) -> jax.Array:
        return x + stochastic_depth(self, branch.norm(branch.bare(x, context), context), context)


class LayerScale(Residual):
    """LayerScale (2103.17239): x + scale * after(norm(before(x))), one scale per channel that starts at `initial`.

    `[..., C] -> [..., C]`. The knob `layer_scale_initial` replaces the field.
    """

    KNOBS = {'drop_path': 0.0, 'layer_scale_initial': 'initial'}

    initial: float = 1e-6

    @nn.compact
    def __call__(self, x: jax.Array, branch: Branch, context: Context) -> jax.Array:
        initial = context.knob('layer_scale_initial', self.initial)
        scale = self.param('scale', lambda key: initial * jnp.ones((x.shape[-1],), jnp.float32))
        return x + stochastic_depth(self, per_channel(scale, x) * branch(x, context), context)


class ResidualScale(Residual):
    """A scale on the stream (NormFormer, 2110.09456; MetaFormer, 2210.13452): scale * x + after(norm(before(x))).

    `[..., C] -> [..., C]`. One scale per channel, which starts at 1.
    """

    KNOBS = {'drop_path': 0.0}

    @nn.compact
    def __call__(self, x: jax.Array, branch: Branch, context: Context) -> jax.Array:
        scale = self.param('scale', nn.initializers.ones, (x.shape[-1],), jnp.float32)
        return per_channel(scale, x) * x + stochastic_depth(self, branch(x, context), context)


class Rezero(Residual):
    """ReZero (2003.04887): x + gain * after(norm(before(x))), one scalar gain that starts at 0.

    `[..., C] -> [..., C]`. The paper's own form has no norm: swap the norm for identity to get it.
    """

    KNOBS = {'drop_path': 0.0}

    @nn.compact
    def __call__(self, x: jax.Array, branch: Branch, context: Context) -> jax.Array:
        gain = self.param('gain', lambda key: jnp.zeros((), jnp.float32))
        return x + stochastic_depth(self, gain.astype(x.dtype) * branch(x, context), context)


class SkipInit(Residual):
    """SkipInit (2002.10444): x + gain * after(norm(before(x))), one scalar gain that starts at `initial`.

    `[..., C] -> [..., C]`. The form is ReZero's; here the first gain can be chosen, by the field or by the knob
    `skip_init_initial`: 0, or for L blocks about 1 / sqrt(L). The paper's own branches have no norm: swap the norm for
    identity to get them.
    """

    KNOBS = {'drop_path': 0.0, 'skip_init_initial': 'initial'}

    initial: float = 0.0

    @nn.compact
    def __call__(self, x: jax.Array, branch: Branch, context: Context) -> jax.Array:
        initial = context.knob('skip_init_initial', self.initial)
        gain = self.param('gain', lambda key: initial * jnp.ones((), jnp.float32))
        return x + stochastic_depth(self, gain.astype(x.dtype) * branch(x, context), context)


class Sandwich(Residual):
    """Norms at the start and at the end of the branch (Peri-LN, 2502.02732): x + norm_after(after(norm(before(x)))).

    `[..., C] -> [..., C]`. The second norm is one more of the kind in the norm socket, with parameters of its own.
    """

    KNOBS = {'drop_path': 0.0}

    sockets: Sockets

    @nn.compact
    def __call__(self, x: jax.Array, branch: Branch, context: Context) -> jax.Array:
        norm = self.sockets.make('norm', name='norm_after', site='end')
        y = norm(branch(x, context.unended if norm.starts_branch() else context), context)
        return x + stochastic_depth(self, y, context)


class NoResidual(Residual):
    """No residual: after(norm(before(x))).

    `[..., C] -> [..., C]`
    """

    @nn.compact
    def __call__(self, x: jax.Array, branch: Branch, context: Context) -> jax.Array:
        return branch(x, context)
