"""Patch codes: a vector for each patch becomes one symbol of a small learned code book."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.context import Context
from arch.dense import Dense
from arch.model_sockets import Sockets
from arch.ops.scalar_quantization import MOST_CODES, MOST_LEVELS, book_size, quantized


class PatchCodes(nn.Module):
    """Finite scalar quantisation (2309.15505) of what patches are: quantized(activation(norm(x)) code) read.

    `[B, M, C] -> [B, M, C]`
    The model's norm and activation and a product lead to one channel for each of `levels`, which is bounded and rounded to so
    many levels, and another product leads back. What comes out knows which of `book_size(levels)` codes a patch has, nothing
    else of it. Product and rounding are in float32, the gradient passes the rounding as if it were not there, and there is no
    loss beside the model's.
    """

    sockets: Sockets
    levels: tuple[int, ...]

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        hidden = self.sockets.make('norm', name='norm', site='stem')(x, context)
        hidden = self.sockets.make('activation', name='activation')(hidden, context)
        told = Dense(len(self.levels), name='code')(hidden.astype(jnp.float32), context)
        return Dense(x.shape[-1], name='read')(self.codes(told).astype(x.dtype), context)

    def codes(self, told: jax.Array) -> jax.Array:
        """The code of each patch: `[B, M, d] -> [B, M, d]`; arch/code_use.py listens to it."""
        return quantized(told, self.levels)


def check_levels(family: str, levels: Sequence[int]) -> None:
    """Raise ValueError for levels that are no whole numbers of at least 2, or of which there are too many."""
    for given in levels:
        if isinstance(given, bool) or not isinstance(given, int) or not 2 <= given <= MOST_LEVELS:
            raise ValueError(
                f'{family}: code_levels={list(levels)}; allowed: whole numbers from 2 to {MOST_LEVELS}, one for each channel '
                'of a code, such as [8, 5, 5, 5], or [] for no codes; change code_levels'
            )
    if book_size(levels) > MOST_CODES:
        raise ValueError(
            f'{family}: code_levels={list(levels)} make {book_size(levels):,} codes; allowed: up to {MOST_CODES:,}; give fewer '
            'channels or levels'
        )
