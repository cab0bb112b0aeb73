"""Residual rules against their formulas in numpy, and stochastic depth."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arch.context import Context
from arch.residuals import RESIDUALS, LayerScale, Pre

X = np.random.default_rng(0).normal(size=(3, 4, 6)).astype(np.float32)
SCALE, GAIN = np.linspace(-1, 1, 6, dtype=np.float32), np.float32(0.3)


def before(y):
    return 0.5 * y


def after(y):
    return y**3


def norm(y):
    return y - y.mean(-1, keepdims=True)


FORMULAS = {
    'pre': ({}, lambda x: x + after(norm(before(x)))),
    'post': ({}, lambda x: norm(x + after(before(x)))),
    'layer_scale': ({'scale': SCALE}, lambda x: x + SCALE * after(norm(before(x)))),
    'rezero': ({'gain': GAIN}, lambda x: x + GAIN * after(norm(before(x)))),
    'none': ({}, lambda x: after(norm(before(x)))),
}


def test_every_rule_has_a_formula():
    assert set(FORMULAS) == set(RESIDUALS)


@pytest.mark.parametrize('kind', RESIDUALS)
def test_formula(kind):
    params, formula = FORMULAS[kind]
    variables = {'params': jax.tree.map(jnp.asarray, params)}
    y = RESIDUALS[kind]().apply(variables, jnp.asarray(X), before, after, norm, Context())
    np.testing.assert_allclose(y, formula(X.astype(np.float64)), rtol=1e-5, atol=1e-5)


def test_first_values_of_gains():
    def first(rule, knobs):
        return rule.init(jax.random.key(0), jnp.asarray(X), before, after, norm, Context(knobs=knobs))['params']

    assert float(first(RESIDUALS['rezero'](), {})['gain']) == 0.0
    np.testing.assert_allclose(first(LayerScale(initial=0.2), {})['scale'], np.full(6, 0.2), rtol=1e-6)
    np.testing.assert_allclose(first(LayerScale(initial=0.2), {'layer_scale_initial': 0.5})['scale'], np.full(6, 0.5))


def stochastic(place, rate, train, kind='pre', x=X):
    rule = RESIDUALS[kind](place=place)
    knobs = {} if rate is None else {'drop_path': rate}
    return rule.apply(
        {}, jnp.asarray(x), before, after, norm, Context(train=train, knobs=knobs), rngs={'noise': jax.random.key(1)}
    )


@pytest.mark.parametrize(('place', 'rate', 'train'), [(0.0, 0.5, True), (1.0, 0.0, True), (1.0, 0.5, False), (1.0, None, True)])
def test_nothing_is_dropped_at_the_first_block_at_rate_0_or_outside_training(place, rate, train):
    np.testing.assert_allclose(stochastic(place, rate, train), FORMULAS['pre'][1](X), rtol=1e-5, atol=1e-6)


def test_whole_branches_are_dropped_at_the_rate_of_the_place_and_the_rest_is_scaled():
    x = np.broadcast_to(X[:1], (400, *X.shape[1:]))
    branch = np.asarray(stochastic(0.5, jnp.float32(0.5), True, x=x)) - x
    whole = after(norm(before(X[0]))) / 0.75
    dropped = np.all(branch == 0, axis=(1, 2))
    assert 0.17 < dropped.mean() < 0.33
    np.testing.assert_allclose(branch[~dropped], np.broadcast_to(whole, branch[~dropped].shape), rtol=1e-4, atol=1e-5)


def test_a_rule_without_the_knob_drops_nothing():
    assert 'drop_path' not in getattr(RESIDUALS['none'], 'KNOBS', {})
    assert Pre.KNOBS == {'drop_path': 0.0}
