"""Channel gate: every channel is multiplied by a share that the whole map or sequence decides."""

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.context import Context
from arch.dense import Dense
from arch.make import positive
from arch.model_sockets import Sockets
from arch.parameter import parameter
from arch.past import summed

GATES = ('squeeze_excite', 'hard_squeeze_excite', 'efficient')


def check_gate(what: str, gate: str, squeeze: float, taps: int) -> None:
    """Raise ValueError for an unknown gate, or for a size that makes none."""
    if gate not in GATES:
        raise ValueError(f'{what}: gate={gate!r}; allowed: {list(GATES)}; change gate')
    positive(what, squeeze=squeeze, taps=taps)
    if taps % 2 == 0:
        raise ValueError(f'{what}: taps={taps}; allowed: odd numbers; change taps, so that a channel has as many on both sides')


def summary(module: nn.Module, x: jax.Array, context: Context) -> jax.Array:
    """The mean over all positions, or in a causal body over those up to each: `[B, ..., C] -> [B, 1 or N, C]`, in float32.

    In generation the module keeps the sum.
    """
    x = x.reshape(len(x), -1, x.shape[-1]).astype(jnp.float32)
    if context.past is not None:
        total = context.past.carried(module, summed, jnp.zeros_like(x[:, 0]), x)
        return total / (context.past.at + 1).astype(jnp.float32)[:, None, None]
    if not context.causal:
        return x.mean(1, keepdims=True)
    return jnp.cumsum(x, 1) / jnp.arange(1, x.shape[1] + 1, dtype=jnp.float32)[None, :, None]


class Taps(nn.Module):
    """A filter that all channels share: `[taps]`."""

    taps: int

    @nn.compact
    def __call__(self, context: Context) -> jax.Array:
        def draw(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
            return context.kernel(key, shape, self.taps, self.taps, branch=False)

        return parameter(self, 'kernel', draw, (self.taps, 1))[:, 0]


class ChannelGate(nn.Module):
    """x * sigmoid(shares of the mean over the positions): `[..., C] -> [..., C]`.

    'squeeze_excite' (SE, 1709.01507): shares = activation(mean down) up with squeeze C channels between, both with biases.
    'hard_squeeze_excite' (MobileNetV3, 1905.02244): the same with relu and, for the sigmoid, clip(shares / 6 + 1/2, 0, 1).
    'efficient' (ECA, 1910.03151): a filter of `taps` neighbouring channels over the mean, zeros beyond the ends. In a causal
    body the mean is over the positions up to each.
    """

    sockets: Sockets
    gate: str = 'squeeze_excite'
    squeeze: float = 0.25
    taps: int = 3

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        mean, channels = summary(self, x, context), x.shape[-1]
        hard = self.gate.startswith('hard')
        if self.gate.endswith('squeeze_excite'):
            few = Dense(max(1, round(self.squeeze * channels)), branch=False, name='down')(mean, context)
            few = jax.nn.relu(few) if hard else self.sockets.make('activation', name='activation_gate')(few, context)
            shares = Dense(channels, branch=False, name='up')(few, context)
        else:
            taps = Taps(self.taps, name='depthwise')(context)
            sides = self.taps // 2
            wide = jnp.pad(mean, [(0, 0), (0, 0), (sides, sides)])
            shares = sum(taps[at] * wide[..., at : at + channels] for at in range(self.taps))
        shares = (jnp.clip(shares / 6 + 0.5, 0.0, 1.0) if hard else jax.nn.sigmoid(shares)).astype(x.dtype)
        return x * (shares.reshape(x.shape) if context.causal else shares.reshape(len(x), *[1] * (x.ndim - 2), channels))
