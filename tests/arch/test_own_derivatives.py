"""Operations with a derivative of their own, against the plain formula and the derivative that JAX makes of it."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rounding import assert_same_numbers

from arch.ops.gelu import gelu
from arch.ops.layer_norm import layer_norm
from arch.ops.rms_norm import rms_norm
from arch.ops.softmax import softmax

GENERATOR = np.random.default_rng(0)
X = 3 * GENERATOR.normal(size=(4, 2, 3, 8)) + 1
SCALE, BIAS = GENERATOR.normal(size=(2, 8))
WEIGHTS = GENERATOR.normal(size=X.shape)
EPS = 0.1


def plain_gelu(x):
    return jax.nn.gelu(x, approximate=False)


def plain_layer_norm(x, scale, bias):
    centred = x - x.mean(-1, keepdims=True)
    return centred / jnp.sqrt(jnp.square(centred).mean(-1, keepdims=True) + EPS) * scale.reshape(1, 1, 1, -1) + bias.reshape(
        1, 1, 1, -1
    )


def plain_softmax(x):
    return jnp.exp(x) / jnp.exp(x).sum(-1, keepdims=True)


def plain_rms_norm(x, scale):
    return x / jnp.sqrt(jnp.square(x).mean(-1, keepdims=True) + EPS) * scale.reshape(1, 1, 1, -1)


OPERATIONS = {
    'gelu': (gelu, plain_gelu, (X,)),
    'layer_norm': (functools.partial(layer_norm, eps=EPS), plain_layer_norm, (X, SCALE, BIAS)),
    'softmax': (softmax, plain_softmax, (X,)),
    'rms_norm': (functools.partial(rms_norm, eps=EPS), plain_rms_norm, (X, SCALE)),
}
"""Name -> the operation, its formula, and its inputs."""


def with_slopes(function, *inputs):
    """The output, and the gradients of a weighted sum of it."""

    @jax.jit
    def run(*inputs):
        made, backward = jax.vjp(function, *inputs)
        return made, backward(jnp.asarray(WEIGHTS, made.dtype).reshape(made.shape))

    return run(*inputs)


@pytest.mark.parametrize('name', OPERATIONS)
def test_they_are_the_formula_and_its_derivative(name):
    own, plain, inputs = OPERATIONS[name]
    with jax.enable_x64(True), jax.numpy_dtype_promotion('standard'):
        expected = with_slopes(plain, *inputs)
        for one, other in zip(jax.tree.leaves(expected), jax.tree.leaves(with_slopes(own, *inputs)), strict=True):
            assert other.dtype == np.float64
            np.testing.assert_allclose(other, one, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize('name', OPERATIONS)
def test_they_round_as_float32_does(name):
    own, plain, inputs = OPERATIONS[name]
    inputs = [jnp.asarray(part, jnp.float32) for part in inputs]
    with jax.numpy_dtype_promotion('standard'):
        expected = with_slopes(plain, *inputs)
    assert_same_numbers(expected, with_slopes(own, *inputs), roundings=2 * X[..., 0].size)


@pytest.mark.parametrize('name', OPERATIONS)
def test_a_vmap_and_computing_again_change_nothing(name):
    own, _, (x, *rest) = OPERATIONS[name]
    x, rest = jnp.asarray(x, jnp.float32), [jnp.asarray(part, jnp.float32) for part in rest]
    expected = with_slopes(own, x, *rest)
    over = jax.vmap(own, in_axes=(0, *[None] * len(rest)))
    assert_same_numbers(expected, with_slopes(over, x, *rest), roundings=X[..., 0].size)
    assert_same_numbers(expected, with_slopes(jax.checkpoint(own), x, *rest), roundings=1)


@pytest.mark.parametrize('name', OPERATIONS)
def test_numbers_keep_their_types(name):
    own, _, (x, *rest) = OPERATIONS[name]
    rest = [jnp.asarray(part, jnp.float32) for part in rest]
    made, slopes = with_slopes(own, jnp.asarray(x, jnp.bfloat16), *rest)
    assert [part.dtype for part in (made, *slopes)] == [jnp.bfloat16, jnp.bfloat16, *[jnp.float32] * len(rest)]
    np.testing.assert_allclose(made, own(jnp.asarray(x, jnp.float32), *rest), rtol=0.05, atol=0.05)


def test_gelu_far_from_zero():
    far = jnp.asarray([-1e4, -50.0, -9.0, 9.0, 50.0, 1e4], jnp.float32)
    np.testing.assert_allclose(gelu(far), [0, 0, 0, 9, 50, 1e4], atol=1e-5)
    np.testing.assert_allclose(jax.vmap(jax.grad(gelu))(far), [0, 0, 0, 1, 1, 1], atol=1e-5)


def test_a_row_of_equal_numbers_has_a_finite_gradient():
    row = jnp.full((1, 8), 2.0)
    slope = jax.grad(lambda x: layer_norm(x, jnp.ones(8), jnp.zeros(8), 1e-6)[0, 0])(row)
    assert np.isfinite(slope).all() and math.isclose(float(slope.sum()), 0, abs_tol=1e-2)


def test_a_softmax_gives_no_weight_and_no_slope_to_what_is_not_seen():
    hidden = jnp.asarray([[1.0, -jnp.inf, 2.0], [-jnp.inf, 3.0, -jnp.inf]])
    weights, backward = jax.vjp(softmax, hidden)
    share = 1 / (1 + math.e)
    np.testing.assert_allclose(weights, [[share, 0, 1 - share], [0, 1, 0]], rtol=1e-6)
    (slope,) = backward(jnp.asarray([[1.0, 5.0, 0.0], [5.0, 1.0, 5.0]]))
    np.testing.assert_allclose(slope, [[share * (1 - share), 0, -share * (1 - share)], [0, 0, 0]], rtol=1e-5)
