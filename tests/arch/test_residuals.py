"""Residual rules against their formulas in numpy, and stochastic depth."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arch.context import Context
from arch.probe import PLAIN
from arch.residuals import RESIDUALS, LayerScale, Pre, SkipInit
from arch.sockets import TABLES, Sockets

X = np.random.default_rng(0).normal(size=(3, 4, 6)).astype(np.float32)
SCALE, GAIN = np.linspace(-1, 1, 6, dtype=np.float32), np.float32(0.3)


def before(y):
    return 0.5 * y


def after(y):
    return y**3


def norm(y):
    return y - y.mean(-1, keepdims=True)


def norm_after(y):
    """What the norm socket holds here: RMS norm with the scales of this file."""
    return SCALE * y / np.sqrt((y**2).mean(-1, keepdims=True) + 1e-6)


def made(kind, **fields):
    """The rule in a model whose norm socket holds an RMS norm."""
    config = {**PLAIN, 'norm': {'kind': 'rms_norm'}, 'residual': {'kind': kind, **fields}}
    return Sockets(config, TABLES).make('residual', name=None)


FORMULAS = {
    'pre': ({}, lambda x: x + after(norm(before(x)))),
    'post': ({}, lambda x: norm(x + after(before(x)))),
    'layer_scale': ({'scale': SCALE}, lambda x: x + SCALE * after(norm(before(x)))),
    'rezero': ({'gain': GAIN}, lambda x: x + GAIN * after(norm(before(x)))),
    'skip_init': ({'gain': GAIN}, lambda x: x + GAIN * after(norm(before(x)))),
    'sandwich': ({'norm_after': {'scale': SCALE}}, lambda x: x + norm_after(after(norm(before(x))))),
    'none': ({}, lambda x: after(norm(before(x)))),
}


def test_every_rule_has_a_formula():
    assert set(FORMULAS) == set(RESIDUALS)


@pytest.mark.parametrize('kind', RESIDUALS)
def test_formula(kind):
    params, formula = FORMULAS[kind]
    variables = {'params': jax.tree.map(jnp.asarray, params)}
    y = made(kind).apply(variables, jnp.asarray(X), before, after, norm, Context())
    np.testing.assert_allclose(y, formula(X.astype(np.float64)), rtol=1e-5, atol=1e-5)


def test_first_values_of_gains():
    def first(rule, knobs):
        return rule.init(jax.random.key(0), jnp.asarray(X), before, after, norm, Context(knobs=knobs))['params']

    assert float(first(RESIDUALS['rezero'](), {})['gain']) == 0.0
    np.testing.assert_allclose(first(LayerScale(initial=0.2), {})['scale'], np.full(6, 0.2), rtol=1e-6)
    np.testing.assert_allclose(first(LayerScale(initial=0.2), {'layer_scale_initial': 0.5})['scale'], np.full(6, 0.5))
    assert float(first(SkipInit(), {})['gain']) == 0.0
    assert float(first(SkipInit(initial=0.25), {})['gain']) == 0.25
    assert float(first(SkipInit(), {'skip_init_initial': 0.5})['gain']) == 0.5


@pytest.mark.parametrize('block', ['two_branch', 'one_branch'])
def test_a_sandwich_has_two_norms_of_the_socket_with_numbers_of_their_own(block):
    config = {**PLAIN, 'block': {'kind': block}, 'norm': {'kind': 'rms_norm'}, 'residual': {'kind': 'sandwich'}}
    module = Sockets(config, TABLES).make('block', name=None)
    params = jax.eval_shape(lambda x: module.init(jax.random.key(0), x, Context()), jnp.asarray(X))['params']
    for branch in ('_mixer', '_channel') if block == 'two_branch' else ('',):
        assert params[f'norm{branch}']['scale'].shape == (6,)
        assert params[f'residual{branch}']['norm_after']['scale'].shape == (6,)


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
