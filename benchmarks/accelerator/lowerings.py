"""Lowerings: the ways to compute one operation, forward and backward, alone and in lanes; which is best is read off here."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from arch.ops.attend import attend, earlier
from arch.ops.depthwise import FORMS, depthwise
from arch.ops.lowering import lowering
from benchmarks.measured import Measured
from benchmarks.timing import wall_seconds

NEEDS, SECONDS = (), 80
REPEATS = 20
MAPS = {'8 x 8, 32 channels, 3 x 3': (16, 8, 32, 3), '14 x 14, 384 channels, 7 x 7': (32, 14, 384, 7)}
TOKENS = {'197 tokens': (64, 197, 6, 64, False), '1024 tokens, causal': (8, 1024, 12, 64, True)}


def gradient(function: Callable, *given: jax.Array) -> Callable[[], tuple]:
    """A compiled call of the gradient of a function's squared sum, by all of its arguments."""

    def loss(*given: jax.Array) -> jax.Array:
        return jnp.square(function(*given).astype(jnp.float32)).sum()

    compiled = jax.jit(jax.grad(loss, argnums=tuple(range(len(given))))).lower(*given).compile()
    return lambda: compiled(*given)


def drawn(*shape: int) -> jax.Array:
    return jax.random.normal(jax.random.key(len(shape)), shape, jnp.bfloat16)


def timed(told: Measured, name: str, way: str, function: Callable, *given: jax.Array) -> None:
    """Time one way, or say why it does not work here."""
    try:
        told.add(f'{name}: {way}', **wall_seconds(gradient(function, *given), REPEATS))
    except (jax.errors.JaxRuntimeError, NotImplementedError, RuntimeError, ValueError) as error:
        told.add(f'{name}: {way}', failed=str(error)[:200])


def filters(told: Measured, tiny: bool) -> None:
    """Depthwise convolution by each lowering, of one model and of lanes with a filter each."""
    for name, (batch, side, channels, taps) in MAPS.items():
        for lanes in (1, 2) if tiny else (1, 16):
            x, kernel = drawn(lanes, batch, side, side, channels), drawn(lanes, taps, taps, channels)
            for way in FORMS:

                def each(x: jax.Array, kernel: jax.Array) -> jax.Array:
                    return jax.vmap(lambda x, kernel: depthwise(x, kernel, False))(x, kernel)

                with lowering(way):
                    timed(told, f'depthwise {name}, {lanes} lanes', way, each, x, kernel)
        if tiny:
            return


def attention(told: Measured, tiny: bool) -> None:
    """Softmax attention as the lab writes it, and by jax's function with the compiler or cuDNN below."""
    for name, (batch, tokens, heads, width, causal) in TOKENS.items():
        batch, tokens = (1, 16) if tiny else (batch, tokens)
        given = [drawn(batch, tokens, heads, width) + i for i in range(3)]
        seen = earlier(tokens) if causal else None
        timed(told, f'attention {name}', 'attend', lambda q, k, v, seen=seen: attend(q, k, v, seen), *given)
        for way in ('xla', 'cudnn'):

            def function(q: jax.Array, k: jax.Array, v: jax.Array, way: str = way, causal: bool = causal) -> jax.Array:
                return jax.nn.dot_product_attention(q, k, v, is_causal=causal, implementation=way)

            timed(told, f'attention {name}', way, function, *given)
        if tiny:
            return


def run(told: Measured, tiny: bool) -> None:
    """Attention, then depthwise convolutions."""
    attention(told, tiny)
    filters(told, tiny)
