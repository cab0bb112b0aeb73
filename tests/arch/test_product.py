"""Products of rows, whatever axes the rows have."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rounding import tolerance

from arch.ops.product import product

GENERATOR = np.random.default_rng(0)
KERNEL = GENERATOR.normal(size=(5, 3)).astype(np.float32)


@pytest.mark.parametrize('shape', [(5,), (4, 5), (2, 3, 5), (2, 2, 3, 5), (0, 3, 5)])
def test_it_is_the_product_on_the_last_axis(shape):
    x = GENERATOR.normal(size=shape).astype(np.float32)
    y, weights = x @ KERNEL, GENERATOR.normal(size=(*shape[:-1], 3)).astype(np.float32)
    made, backward = jax.vjp(product, jnp.asarray(x), jnp.asarray(KERNEL))
    allowed = tolerance(roundings=24, largest=10)
    np.testing.assert_allclose(made, y, rtol=0, atol=allowed)
    slope_x, slope_kernel = backward(jnp.asarray(weights))
    np.testing.assert_allclose(slope_x, weights @ KERNEL.T, rtol=0, atol=allowed)
    np.testing.assert_allclose(slope_kernel, x.reshape(-1, 5).T @ weights.reshape(-1, 3), rtol=0, atol=allowed)


def test_every_product_has_two_dimensions_also_backward():
    """A third dimension leads out of the fast library on CPU."""
    shapes = jax.ShapeDtypeStruct((2, 4, 3, 5), np.float32), jax.ShapeDtypeStruct((5, 3), np.float32)

    def slopes(x, kernel):
        return jax.grad(lambda x, kernel: product(x, kernel).sum(), (0, 1))(x, kernel)

    program = jax.make_jaxpr(slopes)(*shapes).jaxpr
    dots = [equation for equation in program.eqns if equation.primitive.name == 'dot_general']
    assert len(dots) >= 2
    assert all(variable.aval.ndim == 2 for equation in dots for variable in (*equation.invars, *equation.outvars))


def test_lanes_are_one_batched_product():
    x, kernel = GENERATOR.normal(size=(3, 2, 4, 5)), GENERATOR.normal(size=(3, 5, 3))
    made = jax.vmap(product)(jnp.asarray(x, jnp.float32), jnp.asarray(kernel, jnp.float32))
    np.testing.assert_allclose(made, np.einsum('pbnc,pcf->pbnf', x, kernel), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(('channels', 'features'), [(3, 8), (8, 3), (4, 4)])
def test_its_derivative_is_that_of_a_product(channels, features):
    """Of wide and of narrow matrices, whose weight gradients are computed the one and the other way round."""
    x, kernel = GENERATOR.normal(size=(2, 3, channels)), GENERATOR.normal(size=(channels, features))
    with jax.enable_x64(True):
        made, backward = jax.vjp(product, x, kernel)
        expected, plain = jax.vjp(jnp.matmul, x, kernel)
        weights = jnp.asarray(GENERATOR.normal(size=made.shape))
        for one, other in zip((expected, *plain(weights)), (made, *backward(weights)), strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-6, atol=1e-12)


def test_bfloat16_stays_bfloat16():
    x, kernel = (jnp.ones(shape, jnp.bfloat16) for shape in ((2, 3, 5), (5, 3)))
    made, backward = jax.vjp(product, x, kernel)
    assert [part.dtype for part in (made, *backward(made))] == [jnp.bfloat16] * 3
