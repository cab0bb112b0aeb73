"""Parameter: numbers of a module that are learned."""

from collections.abc import Callable

import jax
from flax import linen as nn
from flax.errors import ScopeParamShapeError


def parameter(module: nn.Module, name: str, draw: Callable, shape: tuple[int, ...]) -> jax.Array:
    """The parameter `name` of a module, `[*shape]`; `draw(key, shape)` gives its first values.

    It is `module.param(name, draw, shape)`, whose second half it leaves out: flax traces `draw` whenever a parameter is read,
    only to compare shapes. That takes half of the time of tracing a model. Raises flax's ScopeParamShapeError where the
    parameter has another shape.
    """
    if module.is_initializing() or not module.has_variable('params', name):
        return module.param(name, draw, shape)
    value = module.get_variable('params', name)
    if value.shape != shape:
        raise ScopeParamShapeError(name, '/' + '/'.join(module.path), value.shape, shape)
    return value
