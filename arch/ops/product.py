"""Product: rows of channels times a matrix, whatever axes the rows have, as one product of two dimensions."""

import math

import jax


def product(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """x kernel on the last axis: `[..., C] -> [..., F]` with kernel [C, F].

    Maps and tokens are flattened to rows. Of a product with three or four axes XLA makes a weight gradient that sums over two
    or three of them, which on CPU copies its inputs and does not reach the fast library.
    """
    rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
    return (rows @ kernel).reshape(*x.shape[:-1], kernel.shape[-1])
