"""Norms: keep the size of activations in hand. `(x, context)` with channels last; `[..., C] -> [..., C]`.

Statistics are taken in float32 and the result has the type of `x`.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.context import Context
from arch.make import divides
from arch.vectors import per_channel

ones, zeros = nn.initializers.ones, nn.initializers.zeros


def position_axes(kind: str, x: jax.Array, context: Context) -> tuple[int, ...]:
    """The axes of the positions of `x`. Raises ValueError in a causal body, where such statistics would tell the future."""
    if context.causal:
        raise ValueError(
            f"norm '{kind}' takes statistics over positions, later ones too; the body is causal; allowed there: 'layer_norm', "
            "'rms_norm', 'scale_norm' or 'dynamic_tanh'; swap the norm"
        )
    return tuple(range(1, x.ndim - 1))


class LayerNorm(nn.Module):
    """Layer normalisation (1607.06450): scale (x - mean) / sqrt(variance + eps) + bias over the channels.

    `[..., C] -> [..., C]`
    """

    eps: float = 1e-6

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        wide = x.astype(jnp.float32)
        scale = per_channel(self.param('scale', ones, (x.shape[-1],)), wide)
        bias = per_channel(self.param('bias', zeros, (x.shape[-1],)), wide)
        centred = wide - wide.mean(-1, keepdims=True)
        variance = jnp.square(centred).mean(-1, keepdims=True)
        return (centred * jax.lax.rsqrt(variance + self.eps) * scale + bias).astype(x.dtype)


class RmsNorm(nn.Module):
    """Root-mean-square normalisation (1910.07467): scale x / sqrt(mean(x^2) + eps) over the channels.

    `[..., C] -> [..., C]`
    """

    eps: float = 1e-6

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        wide = x.astype(jnp.float32)
        scale = per_channel(self.param('scale', ones, (x.shape[-1],)), wide)
        square = jnp.square(wide).mean(-1, keepdims=True)
        return (wide * jax.lax.rsqrt(square + self.eps) * scale).astype(x.dtype)


class BatchNorm(nn.Module):
    """Batch normalisation (1502.03167): statistics over all axes but the channels; running ones outside training.

    `[..., C] -> [..., C]`. running <- momentum running + (1 - momentum) batch. Mixes the examples of a batch.
    """

    MIXES_BATCH = True

    eps: float = 1e-5
    momentum: float = 0.9

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        channels = (x.shape[-1],)
        mean = self.variable('state', 'mean', jnp.zeros, channels)
        variance = self.variable('state', 'variance', jnp.ones, channels)
        wide = x.astype(jnp.float32)
        scale = per_channel(self.param('scale', ones, channels), wide)
        bias = per_channel(self.param('bias', zeros, channels), wide)
        if context.train:
            axes = tuple(range(x.ndim - 1))
            batch_mean = wide.mean(axes)
            batch_variance = jnp.square(wide - per_channel(batch_mean, wide)).mean(axes)
            if not self.is_initializing():
                mean.value = self.momentum * mean.value + (1 - self.momentum) * batch_mean
                variance.value = self.momentum * variance.value + (1 - self.momentum) * batch_variance
        else:
            batch_mean, batch_variance = mean.value, variance.value
        centred = wide - per_channel(batch_mean, wide)
        return (centred * jax.lax.rsqrt(per_channel(batch_variance, wide) + self.eps) * scale + bias).astype(x.dtype)


class GroupNorm(nn.Module):
    """Group normalisation (1803.08494): scale (x - mean) / sqrt(variance + eps) + bias.

    `[..., C] -> [..., C]`. Mean and variance of each example go over its positions and over one of `groups` equal groups of
    neighbouring channels. Raises ValueError where `groups` does not divide C, and in a causal body.
    """

    groups: int = 4
    eps: float = 1e-5

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        channels = x.shape[-1]
        divides("norm 'group_norm'", 'groups', self.groups, 'width', channels)
        axes = (*position_axes('group_norm', x, context), -1)
        wide = x.astype(jnp.float32)
        scale = per_channel(self.param('scale', ones, (channels,)), wide)
        bias = per_channel(self.param('bias', zeros, (channels,)), wide)
        grouped = wide.reshape(*x.shape[:-1], self.groups, -1)
        centred = grouped - grouped.mean(axes, keepdims=True)
        variance = jnp.square(centred).mean(axes, keepdims=True)
        normed = (centred * jax.lax.rsqrt(variance + self.eps)).reshape(x.shape)
        return (normed * scale + bias).astype(x.dtype)


class ScaleNorm(nn.Module):
    """ScaleNorm (1910.05895): gain x / ||x|| over the channels, one scalar gain that starts at sqrt(C).

    `[..., C] -> [..., C]`. eps is added to the square of the length.
    """

    eps: float = 1e-6

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        gain = self.param('gain', lambda key: jnp.full((), x.shape[-1] ** 0.5, jnp.float32))
        wide = x.astype(jnp.float32)
        square = jnp.square(wide).sum(-1, keepdims=True)
        return (gain * wide * jax.lax.rsqrt(square + self.eps)).astype(x.dtype)


class GlobalResponseNorm(nn.Module):
    """Global response normalisation (ConvNeXt V2, 2301.00808): x + scale x size / (mean(size) + eps) + bias.

    `[..., C] -> [..., C]`. size is the length of each channel over the positions of its example, the mean goes over the
    channels. scale and bias start at 0, so it starts as the identity. Raises ValueError in a causal body.
    """

    eps: float = 1e-6

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        axes = position_axes('global_response_norm', x, context)
        wide = x.astype(jnp.float32)
        scale = per_channel(self.param('scale', zeros, (x.shape[-1],)), wide)
        bias = per_channel(self.param('bias', zeros, (x.shape[-1],)), wide)
        # The small number under the root keeps the gradient of a silent channel finite.
        size = jnp.sqrt(jnp.square(wide).sum(axes, keepdims=True) + self.eps**2)
        response = size / (size.mean(-1, keepdims=True) + self.eps)
        return (wide + wide * response * scale + bias).astype(x.dtype)


class DynamicTanh(nn.Module):
    """Dynamic tanh (2503.10622): scale tanh(gain x) + bias, with one scalar gain that starts at alpha0.

    `[..., C] -> [..., C]`. The knob `alpha0` replaces the field.
    """

    KNOBS = {'alpha0': 'alpha0'}

    alpha0: float = 0.5

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        alpha0 = context.knob('alpha0', self.alpha0)
        gain = self.param('gain', lambda key: alpha0 * jnp.ones((), jnp.float32))
        wide = x.astype(jnp.float32)
        scale = per_channel(self.param('scale', ones, (x.shape[-1],)), wide)
        bias = per_channel(self.param('bias', zeros, (x.shape[-1],)), wide)
        return (jnp.tanh(gain * wide) * scale + bias).astype(x.dtype)


class DynamicErf(nn.Module):
    """Dynamic erf (2512.10938): scale erf(gain x + shift) + bias, scalar gain from alpha0 and scalar shift from 0.

    `[..., C] -> [..., C]`. The knob `alpha0` replaces the field.
    """

    KNOBS = {'alpha0': 'alpha0'}

    alpha0: float = 0.5

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        alpha0 = context.knob('alpha0', self.alpha0)
        gain = self.param('gain', lambda key: alpha0 * jnp.ones((), jnp.float32))
        shift = self.param('shift', lambda key: jnp.zeros((), jnp.float32))
        wide = x.astype(jnp.float32)
        scale = per_channel(self.param('scale', ones, (x.shape[-1],)), wide)
        bias = per_channel(self.param('bias', zeros, (x.shape[-1],)), wide)
        return (jax.lax.erf(gain * wide + shift) * scale + bias).astype(x.dtype)


class HardTanh(nn.Module):
    """Dynamic hard tanh (2503.10622, its table of squashing functions): scale clip(gain x, -1, 1) + bias.

    `[..., C] -> [..., C]`. As dynamic tanh, with the hard tanh in place of the smooth one: one scalar gain that starts at
    alpha0, which the knob `alpha0` replaces.
    """

    KNOBS = {'alpha0': 'alpha0'}

    alpha0: float = 0.5

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        alpha0 = context.knob('alpha0', self.alpha0)
        gain = self.param('gain', lambda key: alpha0 * jnp.ones((), jnp.float32))
        wide = x.astype(jnp.float32)
        scale = per_channel(self.param('scale', ones, (x.shape[-1],)), wide)
        bias = per_channel(self.param('bias', zeros, (x.shape[-1],)), wide)
        return (jnp.clip(gain * wide, -1.0, 1.0) * scale + bias).astype(x.dtype)


class Identity(nn.Module):
    """No normalisation: y = x.

    `[..., C] -> [..., C]`
    """

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
    'identity': Identity,
}
