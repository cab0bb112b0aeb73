"""Norms against their formulas in numpy."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arch.context import Context
from arch.norms import NORMS, BatchNorm, DynamicTanh

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(4, 3, 8)).astype(np.float32) * 2 + 1
SCALE, BIAS = GENERATOR.normal(size=(2, 8)).astype(np.float32)
GAIN, SHIFT = np.float32(0.7), np.float32(-0.3)
ALL = {'scale': SCALE, 'bias': BIAS, 'gain': GAIN, 'shift': SHIFT}


def layer_norm(x):
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return SCALE * (x - mean) / np.sqrt(variance + 0.1) + BIAS


def rms_norm(x):
    return SCALE * x / np.sqrt((x**2).mean(-1, keepdims=True) + 0.1)


def dynamic_tanh(x):
    return SCALE * np.tanh(GAIN * x) + BIAS


def dynamic_erf(x):
    return SCALE * np.vectorize(math.erf)(GAIN * x + SHIFT) + BIAS


FORMULAS = {
    'layer_norm': ({'eps': 0.1}, ('scale', 'bias'), layer_norm),
    'rms_norm': ({'eps': 0.1}, ('scale',), rms_norm),
    'dynamic_tanh': ({}, ('gain', 'scale', 'bias'), dynamic_tanh),
    'dynamic_erf': ({}, ('gain', 'shift', 'scale', 'bias'), dynamic_erf),
    'identity': ({}, (), lambda x: x),
}


def test_every_norm_has_a_formula():
    assert set(FORMULAS) | {'batch_norm'} == set(NORMS)


@pytest.mark.parametrize('kind', FORMULAS)
def test_formula(alone, kind):
    fields, names, formula = FORMULAS[kind]
    y = alone('norm', kind, fields, {name: ALL[name] for name in names}, X)
    np.testing.assert_allclose(y, formula(X.astype(np.float64)), rtol=2e-5, atol=2e-5)


def test_batch_norm_uses_the_batch_in_training_and_running_statistics_outside():
    norm, state = BatchNorm(eps=0.1, momentum=0.75), {'mean': jnp.full(8, 2.0), 'variance': jnp.full(8, 3.0)}
    variables = {'params': {'scale': jnp.asarray(SCALE), 'bias': jnp.asarray(BIAS)}, 'state': state}
    mean, variance = X.mean((0, 1)), X.var((0, 1))
    y, changed = norm.apply(variables, jnp.asarray(X), Context(train=True), mutable=['state'])
    np.testing.assert_allclose(y, SCALE * (X - mean) / np.sqrt(variance + 0.1) + BIAS, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(changed['state']['mean'], 0.75 * 2 + 0.25 * mean, rtol=1e-5)
    np.testing.assert_allclose(changed['state']['variance'], 0.75 * 3 + 0.25 * variance, rtol=1e-5)
    y, changed = norm.apply(variables, jnp.asarray(X), Context(), mutable=['state'])
    np.testing.assert_allclose(y, SCALE * (X - 2) / np.sqrt(3.1) + BIAS, rtol=1e-5, atol=1e-5)
    assert jax.tree.all(jax.tree.map(lambda a, b: bool((a == b).all()), changed['state'], state))


def test_the_gain_of_dynamic_norms_starts_at_the_knob_or_the_field():
    norm, key = DynamicTanh(alpha0=0.25), jax.random.key(0)
    assert float(norm.init(key, jnp.asarray(X), Context())['params']['gain']) == 0.25
    assert float(norm.init(key, jnp.asarray(X), Context(knobs={'alpha0': 0.75}))['params']['gain']) == 0.75
