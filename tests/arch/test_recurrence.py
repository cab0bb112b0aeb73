"""Recurrences at once against step by step; and mixers made of them, which must not see what comes later."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from position_steps import stepped
from rounding import assert_same_numbers

from arch.context import Context
from arch.model_sockets import Sockets
from arch.ops.recurrence import recurrence, recurrence_step
from arch.probe import PLAIN
from arch.sockets import TABLES

GENERATOR = np.random.default_rng(0)
KINDS = ('gated_linear_attention', 'selective_state_space')
CHANGED, LENGTH = 19, 40


def stepwise(decay, taken):
    return stepped(recurrence_step, jnp.zeros_like(taken[:, 0]), decay, taken)


@pytest.mark.parametrize('way', [recurrence, stepwise])
@pytest.mark.parametrize('length', [1, 5, 64])
def test_formula(way, length):
    decay = GENERATOR.uniform(size=(2, length, 3)).astype(np.float32)
    taken = GENERATOR.normal(size=(2, length, 3)).astype(np.float32)
    state, expected = np.zeros((2, 3)), np.zeros(decay.shape)
    for n in range(length):
        state = decay[:, n].astype(np.float64) * state + taken[:, n]
        expected[:, n] = state
    np.testing.assert_allclose(jax.jit(way)(decay, taken), expected, rtol=1e-5, atol=1e-5)


def test_decays_that_vanish_leave_finite_gradients():
    decay = jnp.full((1, 64, 2), 1e-30)

    def slopes(way):
        return jax.jit(jax.grad(lambda decay, taken: (way(decay, taken) ** 2).sum(), (0, 1)))(decay, jnp.ones_like(decay))

    for left, right in zip(slopes(recurrence), slopes(stepwise), strict=True):
        assert np.isfinite(left).all()
        # A sum over 64 steps, there and back.
        assert_same_numbers(right, left, 128)


@pytest.fixture(scope='module', params=KINDS)
def run(request):
    """`run(x, causal) -> y` of one kind, with random parameters."""
    block = Sockets({**PLAIN, 'mixer': {'kind': request.param}}, TABLES).make('mixer', name=None)
    shapes = jax.eval_shape(lambda: block.init({'params': jax.random.key(0)}, jnp.zeros((1, LENGTH, 8)), Context()))
    params = jax.tree.map(lambda leaf: jnp.asarray(GENERATOR.normal(size=leaf.shape), jnp.float32) / 2, shapes)
    return jax.jit(lambda x, causal: block.apply(params, x, Context(causal=causal)), static_argnums=1)


def test_later_tokens_change_nothing_earlier(run):
    x = GENERATOR.normal(size=(2, LENGTH, 8)).astype(np.float32)
    other = x.copy()
    other[:, CHANGED:] = GENERATOR.normal(size=other[:, CHANGED:].shape)
    y, changed = run(x, True), run(other, True)
    np.testing.assert_array_equal(y[:, :CHANGED], changed[:, :CHANGED])
    assert (np.abs(np.asarray(y - changed))[:, CHANGED:].max(-1) > 1e-4).all()


def test_a_body_that_is_not_causal_sees_both_ways(run):
    x = GENERATOR.normal(size=(1, LENGTH, 8)).astype(np.float32)
    other = x.copy()
    other[:, CHANGED] += 1.0
    far = np.abs(np.asarray(run(x, False) - run(other, False))).max((0, 2))
    assert far[CHANGED] > 1e-3 and far[CHANGED - 2] > 1e-6 and far[CHANGED + 2] > 1e-6
