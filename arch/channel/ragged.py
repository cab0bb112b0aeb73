"""Ragged product: rows sorted by group, each times the kernel of its own group.

JAX can vmap its own ragged product only over the first axis of all three arguments; here lanes may share some of them. Nested
vmap is not supported.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import RaggedDotDimensionNumbers, ragged_dot, ragged_dot_general

BETWEEN = RaggedDotDimensionNumbers((((0,), (0,)), ((), ())), lhs_ragged_dimensions=[0], rhs_group_dimensions=[])
"""Sums over the rows of each group: [M, C] and [M, F] to [E, C, F]."""


def _mapped(function: Callable) -> Callable:
    """The function with a vmap rule that gives every argument a first axis of lanes."""
    own = jax.custom_batching.custom_vmap(function)

    @own.def_vmap
    def over(lanes: int, has_lanes: list[bool], *arguments: jax.Array) -> tuple[jax.Array, bool]:
        pairs = zip(arguments, has_lanes, strict=True)
        with_lanes = [part if has else jnp.broadcast_to(part, (lanes, *part.shape)) for part, has in pairs]
        return jax.vmap(function)(*with_lanes), True

    return own


_product = _mapped(lambda rows, kernels, sizes: ragged_dot(rows, kernels, sizes))
_sums = _mapped(lambda rows, others, sizes: ragged_dot_general(rows, others, sizes, BETWEEN))


@jax.custom_vjp
def ragged(rows: jax.Array, kernels: jax.Array, sizes: jax.Array) -> jax.Array:
    """The first sizes[0] rows times kernels[0], the next sizes[1] times kernels[1] ...: [M, C], [E, C, F], [E] to [M, F]."""
    return _product(rows, kernels, sizes)


def _forward(rows: jax.Array, kernels: jax.Array, sizes: jax.Array) -> tuple:
    return _product(rows, kernels, sizes), (rows, kernels, sizes)


def _backward(saved: tuple, slope: jax.Array) -> tuple:
    rows, kernels, sizes = saved
    return _product(slope, kernels.swapaxes(1, 2), sizes), _sums(rows, slope, sizes), np.zeros(sizes.shape, jax.dtypes.float0)


ragged.defvjp(_forward, _backward)
