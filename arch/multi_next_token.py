"""Multi-token prediction: a head for the next token, and layers that learn to tell the tokens after it."""

import dataclasses

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import Head
from arch.context import Context
from arch.dense import Dense
from arch.make import positive
from arch.model_sockets import Sockets

NAME = "head 'multi_next_token'"


class MultiNextToken(Head):
    """Multi-token prediction (2404.19737): norm and product for the next token, and in training for the `ahead` - 1 after it.

    `[B, N, C] -> [B, N, V]`. What is k tokens ahead, k = 2 ... `ahead`, is told by a layer of its own, of the model's kinds of
    block, mixer and channel, on what the body gives, and by the same norm and product as the next token. Their mean losses are
    added to that of the task, each times `weight`; their targets are the tokens of the input, k places on. Scores and test
    losses are those of the next token, and then the other layers do not run. The paper takes a layer from the body for each
    one ahead, and the next token has such a layer too: make the body shallower to compare at equal size.
    """

    FITS = ('isotropic', 'causal', 'tokens')
    GENERATES = True

    sockets: Sockets
    outputs: int = 256
    bias: bool = True
    ahead: int = 2
    weight: float = 1.0

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive(NAME, outputs=self.outputs, ahead=self.ahead, weight=self.weight)
        norm = self.sockets.make('norm', name='norm', site='head')
        product = Dense(self.outputs, bias=self.bias, name='head')
        if context.train or self.is_initializing():
            for ahead in range(2, self.ahead + 1):
                scores = product(norm(self.layer(x, context, ahead), context), context)
                if context.ids is not None:
                    self.sow('aux', f'token_{ahead}', self.weight * loss(scores, context.ids, ahead))
        return product(norm(x, context), context)

    @nn.nowrap
    def layer(self, x: jax.Array, context: Context, ahead: int) -> jax.Array:
        """What the layer for one distance makes of the body's output."""
        rule = self.sockets.make('residual', name=None, parent=None)
        block = self.sockets.make('block', name=f'ahead_{ahead}', features=x.shape[-1])
        here = dataclasses.replace(context, layer=context.depth - 1)
        return rule.leave(block(rule.enter(x), here), here, f'leave_{ahead}')


def loss(scores: jax.Array, ids: jax.Array, ahead: int) -> jax.Array:
    """The mean cross-entropy of scores [B, N, V] with the tokens `ahead` places on, 0 where the sequence is too short."""
    known = max(scores.shape[1] - ahead, 0)
    if not known:
        return jnp.float32(0)
    scores = scores[:, :known].astype(jnp.float32)
    told = jnp.take_along_axis(scores, ids[:, ahead:, None], -1)[..., 0]
    return (jax.nn.logsumexp(scores, -1) - told).mean()
