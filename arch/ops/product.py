"""Product: rows of channels times a matrix, whatever axes the rows have, with its own derivative."""

import math

import jax

from arch.ops.lowering import plain


def product(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """x kernel on the last axis: `[..., C] -> [..., F]` with kernel [C, F].

    Maps and tokens are flattened to rows. XLA's weight gradient of a product with three or four axes sums over two or three of
    them. On CPU that copies the inputs and does not reach the fast library.
    """
    rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
    y = rows @ kernel if plain() else _product(rows, kernel)
    return y.reshape(*x.shape[:-1], kernel.shape[-1])


@jax.custom_vjp
def _product(rows: jax.Array, kernel: jax.Array) -> jax.Array:
    return rows @ kernel


def _forward(rows: jax.Array, kernel: jax.Array) -> tuple[jax.Array, tuple]:
    return _product(rows, kernel), (rows, kernel)


def _backward(saved: tuple, slope: jax.Array) -> tuple[jax.Array, jax.Array]:
    rows, kernel = saved
    return slope @ kernel.T, _weight_slope(rows, slope)


def _weight_slope(rows: jax.Array, slope: jax.Array) -> jax.Array:
    """The rows' transpose times the slope, [C, F]: computed with the shorter side first, which is 1.5 times as fast on CPU.

    Without the barrier XLA turns it around again.
    """
    along_rows = (((0,), (0,)), ((), ()))
    if rows.shape[1] <= slope.shape[1]:
        return jax.lax.dot_general(rows, slope, along_rows)
    return jax.lax.optimization_barrier(jax.lax.dot_general(slope, rows, along_rows)).T


_product.defvjp(_forward, _backward)
