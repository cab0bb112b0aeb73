"""Heads: from channels to what the loss reads. `(x, context)`; a norm, then one product named `head`."""

import jax
from flax import linen as nn

from arch.context import Context
from arch.dense import Dense
from arch.make import positive


class Classifier(nn.Module):
    """Norm, mean over positions, one product: a score for each of `outputs` classes.

    `[B, N, C] -> [B, V]`
    `[B, H, W, C] -> [B, V]`
    """

    sockets: object
    outputs: int = 10

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("head 'classifier'", outputs=self.outputs)
        x = self.sockets.make('norm', name='norm')(x, context)
        x = x.mean(tuple(range(1, x.ndim - 1)))
        return Dense(self.outputs, name='head')(x, context)


class NextToken(nn.Module):
    """Norm, then one product at every position: a score for each of `outputs` tokens.

    `[B, N, C] -> [B, N, V]`
    """

    sockets: object
    outputs: int = 256

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        positive("head 'next_token'", outputs=self.outputs)
        if x.ndim != 3:
            raise ValueError(f"head 'next_token': given shape {x.shape}, allowed sequences [B, N, C]; use head 'classifier'")
        x = self.sockets.make('norm', name='norm')(x, context)
        return Dense(self.outputs, name='head')(x, context)


HEADS = {'classifier': Classifier, 'next_token': NextToken}
