"""Norms: keep the size of activations in hand. `(x, context)` with channels last; `[..., C] -> [..., C]`.

Statistics are taken in float32 and the result has the type of `x`.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.adaptive_norm import AdaptiveLayerNorm
from arch.block import Norm
from arch.context import Context
from arch.flags import PLACES
from arch.make import divides, positive
from arch.ops.layer_norm import layer_norm
from arch.ops.rms_norm import rms_norm
from arch.parameter import parameter
from arch.vectors import per_channel

ones, zeros = nn.initializers.ones, nn.initializers.zeros
ANYWHERE_BUT_CAUSAL = ('hierarchical', 'isotropic', 'bidirectional', 'maps', 'tokens')
"""The places of norms with statistics over positions, which would show a causal model the future."""
ALONE = (*PLACES, 'queries')
"""The places of norms that treat each position, and so each of its heads, alone."""


def first_scale(site: str, context: Context) -> Callable:
    """The initial values of a scale: 1, or at the end of a residual branch the factor of the model's `initial` kind."""
    return nn.initializers.constant(context.initial.end(context.branches) if site == 'end' else 1.0)


class Divided(Norm):
    """The base of norms that divide by a size which they measure on x; their field `eps` keeps it above 0."""

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        positive('norm', eps=self.eps)


class LayerNorm(Divided):
    """Layer normalisation (1607.06450): scale (x - mean) / sqrt(variance + eps) + bias over the channels.

    `[..., C] -> [..., C]`. Without a `bias` that is 0.
    """

    FITS = ALONE
    SCALES_BRANCH = True

    eps: float = 1e-6
    bias: bool = True

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        scale = parameter(self, 'scale', first_scale(self.site, context), (x.shape[-1],))
        bias = parameter(self, 'bias', zeros, (x.shape[-1],)) if self.bias else jnp.zeros_like(scale)
        return layer_norm(x, scale, bias, self.eps)


class RmsNorm(Divided):
    """Root-mean-square normalisation (1910.07467): scale x / sqrt(mean(x^2) + eps) over the channels.

    `[..., C] -> [..., C]`. Without a `scale` that is 1, and the norm has no parameters.
    """

    FITS = ALONE
    SCALES_BRANCH = True

    eps: float = 1e-6
    scale: bool = True

    @nn.nowrap
    def starts_branch(self) -> bool:
        return self.scale

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        channels = (x.shape[-1],)
        if not self.scale:
            return rms_norm(x, jnp.ones(channels, jnp.float32), self.eps)
        return rms_norm(x, parameter(self, 'scale', first_scale(self.site, context), channels), self.eps)


class BatchNorm(Divided):
    """Batch normalisation (1502.03167): statistics over all axes but the channels; running ones outside training.

    `[..., C] -> [..., C]`. running <- momentum running + (1 - momentum) batch, with the variance of n numbers times
    n / (n - 1) there, its unbiased estimate. Mixes the examples of a batch; in a causal body also later tokens into its
    statistics while training, and nothing of them outside it.
    """

    MIXES_BATCH = True
    SCALES_BRANCH = True

    eps: float = 1e-5
    momentum: float = 0.9

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        super().check(width, causal)
        if not 0 <= self.momentum < 1:
            raise ValueError(f"norm 'batch_norm': momentum={self.momentum:g}; allowed: from 0 to below 1; change momentum")

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        channels = (x.shape[-1],)
        mean = self.variable('state', 'mean', jnp.zeros, channels)
        variance = self.variable('state', 'variance', jnp.ones, channels)
        wide = x.astype(jnp.float32)
        scale = per_channel(parameter(self, 'scale', first_scale(self.site, context), channels), wide)
        bias = per_channel(parameter(self, 'bias', zeros, channels), wide)
        if context.train:
            axes = tuple(range(x.ndim - 1))
            batch_mean = wide.mean(axes)
            batch_variance = jnp.square(wide - per_channel(batch_mean, wide)).mean(axes)
            if not self.is_initializing():
                mean.value = self.momentum * mean.value + (1 - self.momentum) * batch_mean
                count = x.size // x.shape[-1]
                unbiased = batch_variance * (count / max(count - 1, 1))
                variance.value = self.momentum * variance.value + (1 - self.momentum) * unbiased
        else:
            batch_mean, batch_variance = mean.value, variance.value
        centred = wide - per_channel(batch_mean, wide)
        return (centred * jax.lax.rsqrt(per_channel(batch_variance, wide) + self.eps) * scale + bias).astype(x.dtype)


class GroupNorm(Divided):
    """Group normalisation (1803.08494): scale (x - mean) / sqrt(variance + eps) + bias.

    `[..., C] -> [..., C]`. Mean and variance of each example go over its positions and over one of `groups` equal groups of
    neighbouring channels. Without a `bias` that is 0. Raises ValueError where `groups` does not divide C.
    """

    FITS = ANYWHERE_BUT_CAUSAL
    SCALES_BRANCH = True

    groups: int = 4
    eps: float = 1e-5
    bias: bool = True

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        super().check(width, causal)
        divides("norm 'group_norm'", 'groups', self.groups, 'width', width)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        channels = x.shape[-1]
        self.check(channels, context.causal)
        axes = (*range(1, x.ndim - 1), -1)
        wide = x.astype(jnp.float32)
        scale = per_channel(parameter(self, 'scale', first_scale(self.site, context), (channels,)), wide)
        bias = per_channel(parameter(self, 'bias', zeros, (channels,)), wide) if self.bias else 0.0
        grouped = wide.reshape(*x.shape[:-1], self.groups, -1)
        centred = grouped - grouped.mean(axes, keepdims=True)
        variance = jnp.square(centred).mean(axes, keepdims=True)
        normed = (centred * jax.lax.rsqrt(variance + self.eps)).reshape(x.shape)
        return (normed * scale + bias).astype(x.dtype)


class ScaleNorm(Divided):
    """ScaleNorm (1910.05895): gain x / ||x|| over the channels, one scalar gain that starts at sqrt(C).

    `[..., C] -> [..., C]`. eps is added to the square of the length.
    """

    FITS = ALONE

    eps: float = 1e-6

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        gain = parameter(self, 'gain', lambda key, shape: jnp.full(shape, x.shape[-1] ** 0.5, jnp.float32), ())
        wide = x.astype(jnp.float32)
        square = jnp.square(wide).sum(-1, keepdims=True)
        return (gain * wide * jax.lax.rsqrt(square + self.eps)).astype(x.dtype)


class GlobalResponseNorm(Divided):
    """Global response normalisation (ConvNeXt V2, 2301.00808): x + scale x size / (mean(size) + eps) + bias.

    `[..., C] -> [..., C]`. size is the length of each channel over the positions of its example, the mean goes over the
    channels. scale and bias start at 0, so it starts as the identity.
    """

    FITS = ANYWHERE_BUT_CAUSAL

    eps: float = 1e-6

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        axes = tuple(range(1, x.ndim - 1))
        wide = x.astype(jnp.float32)
        scale = per_channel(parameter(self, 'scale', zeros, (x.shape[-1],)), wide)
        bias = per_channel(parameter(self, 'bias', zeros, (x.shape[-1],)), wide)
        # The small number under the root keeps the gradient of a silent channel finite.
        size = jnp.sqrt(jnp.square(wide).sum(axes, keepdims=True) + self.eps**2)
        response = size / (size.mean(-1, keepdims=True) + self.eps)
        return (wide + wide * response * scale + bias).astype(x.dtype)


class Squashing(Norm):
    """The base of element-wise norms: scale squash(gain x) + bias, with one scalar gain that starts at alpha0.

    `[..., C] -> [..., C]`. The gain of a norm before a mixer starts at alpha0_mixer: language models want it larger there
    (2503.10622, section 7). The knobs `alpha0` and `alpha0_mixer` replace the fields.
    """

    FITS = ALONE
    SCALES_BRANCH = True
    KNOBS = {'alpha0': 'alpha0', 'alpha0_mixer': 'alpha0_mixer'}

    alpha0: float = 0.5
    alpha0_mixer: float = 0.5

    @nn.nowrap
    def check(self, width: int, causal: bool) -> None:
        positive('norm', alpha0=self.alpha0, alpha0_mixer=self.alpha0_mixer)

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        name, field = ('alpha0_mixer', self.alpha0_mixer) if self.site == 'mixer' else ('alpha0', self.alpha0)
        alpha0 = context.knob(name, field)
        gain = parameter(self, 'gain', lambda key, shape: alpha0 * jnp.ones(shape, jnp.float32), ())
        wide = x.astype(jnp.float32)
        scale = per_channel(parameter(self, 'scale', first_scale(self.site, context), (x.shape[-1],)), wide)
        bias = per_channel(parameter(self, 'bias', zeros, (x.shape[-1],)), wide)
        return (self.squash(gain * wide) * scale + bias).astype(x.dtype)

    @nn.nowrap
    def squash(self, x: jax.Array) -> jax.Array:
        """The bounded function of one number."""
        raise NotImplementedError


class DynamicTanh(Squashing):
    """Dynamic tanh (2503.10622): scale tanh(gain x) + bias, with one scalar gain that starts at alpha0.

    `[..., C] -> [..., C]`
    """

    @nn.nowrap
    def squash(self, x: jax.Array) -> jax.Array:
        return jnp.tanh(x)


class DynamicErf(Squashing):
    """Dynamic erf (2512.10938): scale erf(gain x + shift) + bias, scalar gain from alpha0 and scalar shift from 0.

    `[..., C] -> [..., C]`
    """

    @nn.nowrap
    def squash(self, x: jax.Array) -> jax.Array:
        return jax.lax.erf(x + parameter(self, 'shift', zeros, ()))


class HardTanh(Squashing):
    """Dynamic hard tanh (2503.10622, its table of squashing functions): scale clip(gain x, -1, 1) + bias.

    `[..., C] -> [..., C]`. As dynamic tanh, with the hard tanh in place of the smooth one.
    """

    @nn.nowrap
    def squash(self, x: jax.Array) -> jax.Array:
        return jnp.clip(x, -1.0, 1.0)


class Identity(Norm):
    """No normalisation: y = x.

    `[..., C] -> [..., C]`
    """

    FITS = ALONE
    NOTHING = True

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        return x


NORMS = {
    'layer_norm': LayerNorm,
    'rms_norm': RmsNorm,
    'batch_norm': BatchNorm,
    'group_norm': GroupNorm,
    'scale_norm': ScaleNorm,
    'global_response_norm': GlobalResponseNorm,
    'dynamic_tanh': DynamicTanh,
    'dynamic_erf': DynamicErf,
    'hard_tanh': HardTanh,
    'adaptive_layer_norm': AdaptiveLayerNorm,
    'identity': Identity,
}
