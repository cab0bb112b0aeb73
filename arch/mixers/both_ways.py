"""Both ways: a recurrent mixer from the first position on and, in a body that is not causal, also from the last one back."""

from collections.abc import Callable

import jax
from flax import linen as nn

from arch.context import Context


def both_ways(direction: Callable[[str], nn.Module], tokens: jax.Array, context: Context) -> jax.Array:
    """The sum of the module `direction('forward')` and, unless the body is causal, of `direction('backward')`.

    `[B, N, C] -> [B, N, F]`. Called in the mixer's own scope; each direction has parameters of its own (as 2401.09417).
    """
    mixed = direction('forward')(tokens, context)
    if context.causal:
        return mixed
    return mixed + direction('backward')(tokens[:, ::-1], context)[:, ::-1]
