"""The ragged product and its gradients against a loop over groups, alone and in lanes that share arguments."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arch.channel.ragged import ragged

GENERATOR = np.random.default_rng(0)
ROWS = GENERATOR.normal(size=(3, 9, 4)).astype(np.float32)
KERNELS = GENERATOR.normal(size=(3, 5, 4, 6)).astype(np.float32)
SIZES = np.array([[3, 0, 4, 2, 0], [0, 0, 9, 0, 0], [2, 2, 2, 2, 1]], np.int32)
SLOPE = GENERATOR.normal(size=(9, 6)).astype(np.float32)


def loop(rows, kernels, sizes):
    """The product, and the gradients of its sum weighted by SLOPE."""
    rows, kernels = rows.astype(np.float64), kernels.astype(np.float64)
    y, to_rows, to_kernels, first = np.zeros((9, 6)), np.zeros(rows.shape), np.zeros(kernels.shape), 0
    for group, size in enumerate(sizes):
        for row in range(first, first + size):
            y[row] = rows[row] @ kernels[group]
            to_rows[row] = kernels[group] @ SLOPE[row]
            to_kernels[group] += np.outer(rows[row], SLOPE[row])
        first += size
    return y, to_rows, to_kernels


def both(rows, kernels, sizes):
    y, pull = jax.vjp(lambda rows, kernels: ragged(rows, kernels, sizes), rows, kernels)
    return (y, *pull(jnp.asarray(SLOPE)))


@pytest.mark.parametrize('lane', [0, 1, 2])
def test_alone(lane):
    arguments = ROWS[lane], KERNELS[lane], SIZES[lane]
    for ours, expected in zip(jax.jit(both)(*arguments), loop(*arguments), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('axes', [(0, 0, 0), (None, 0, None), (0, None, 0), (None, None, 0), (1, 0, None)])
def test_lanes_that_share_arguments(axes):
    full = ROWS, KERNELS, SIZES
    given = [part[0] if axis is None else np.moveaxis(part, 0, axis) for part, axis in zip(full, axes, strict=True)]
    lanes = jax.jit(jax.vmap(both, axes))(*given)
    for lane in range(3):
        own = [part[0] if axis is None else part[lane] for part, axis in zip(full, axes, strict=True)]
        for left, right in zip(lanes, loop(*own), strict=True):
            np.testing.assert_allclose(left[lane], right, rtol=1e-5, atol=1e-5)


def test_types_are_kept():
    parts = ROWS[0].astype(jnp.bfloat16), KERNELS[0].astype(jnp.bfloat16)
    made = jax.eval_shape(lambda *parts: jax.value_and_grad(lambda *p: ragged(*p, SIZES[0]).sum(), (0, 1))(*parts), *parts)
    assert {leaf.dtype for leaf in jax.tree.leaves(made)} == {jnp.dtype(jnp.bfloat16)}
