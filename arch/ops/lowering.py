"""Lowering: the way in which operations with several forms are computed.

`auto` takes what the platform runs fast. `reference` takes the plain form that papers count: one equation for a convolution,
the chosen experts alone. Other names are those of the depthwise convolution's forms.
"""

import contextlib
import contextvars

import jax

LOWERING = contextvars.ContextVar('LOWERING', default='auto')


@contextlib.contextmanager
def lowering(name: str):
    """Within this context operations are computed as `name`: auto, reference, toeplitz or shifts."""
    token = LOWERING.set(name)
    try:
        yield
    finally:
        LOWERING.reset(token)


def plain() -> bool:
    """Whether operations take the plain form: where costs are counted, and by themselves on all platforms but CPU."""
    return LOWERING.get() == 'reference' or (LOWERING.get() == 'auto' and jax.default_backend() != 'cpu')
