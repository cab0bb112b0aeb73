"""Residual rules of one stream against their formulas in numpy, and stochastic depth."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arch.branch import Branch
from arch.context import Context
from arch.dense import Dense
from arch.model import build
from arch.model_sockets import Sockets
from arch.probe import PLAIN
from arch.residuals import RESIDUALS, LayerScale, Pre, SkipInit
from arch.sockets import TABLES

X = np.random.default_rng(0).normal(size=(3, 4, 6)).astype(np.float32)
SCALE, GAIN = np.linspace(-1, 1, 6, dtype=np.float32), np.float32(0.3)
BRANCHES = 10
"""The number of branches in the body of every rule here."""


def before(y, context=None):
    return 0.5 * y


def after(y, context=None):
    return y**3


def norm(y, context=None):
    return y - y.mean(-1, keepdims=True)


BRANCH = Branch(before, norm, after)


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
    'deep_norm': ({}, lambda x: norm(10**0.25 * x + after(before(x)))),
    'fixup': (
        {'gain': GAIN, 'shift': np.float32(0.2), 'bias': np.float32(-0.4)},
        lambda x: x + GAIN * after(before(x + 0.2)) - 0.4,
    ),
    'layer_scale': ({'scale': SCALE}, lambda x: x + SCALE * after(norm(before(x)))),
    'residual_scale': ({'scale': SCALE}, lambda x: SCALE * x + after(norm(before(x)))),
    'rezero': ({'gain': GAIN}, lambda x: x + GAIN * after(norm(before(x)))),
    'skip_init': ({'gain': GAIN}, lambda x: x + GAIN * after(norm(before(x)))),
    'sandwich': ({'norm_after': {'scale': SCALE}}, lambda x: x + norm_after(after(norm(before(x))))),
    'none': ({}, lambda x: after(norm(before(x)))),
    'res_post': ({}, lambda x: x + norm(after(before(x)))),
}


def test_every_rule_of_one_stream_has_a_formula():
    own_files = {'value_embeddings'}
    assert set(FORMULAS) == {kind for kind, cls in RESIDUALS.items() if not cls.STREAMS} - own_files


@pytest.mark.parametrize('kind', FORMULAS)
def test_formula(kind):
    params, formula = FORMULAS[kind]
    variables = {'params': jax.tree.map(jnp.asarray, params)}
    y = made(kind).apply(variables, jnp.asarray(X), BRANCH, Context(branches=BRANCHES))
    np.testing.assert_allclose(y, formula(X.astype(np.float64)), rtol=1e-5, atol=1e-5)


def test_first_values_of_gains():
    def first(rule, knobs):
        return rule.init(jax.random.key(0), jnp.asarray(X), BRANCH, Context(knobs=knobs))['params']

    assert float(first(RESIDUALS['rezero'](), {})['gain']) == 0.0
    np.testing.assert_allclose(first(LayerScale(initial=0.2), {})['scale'], np.full(6, 0.2), rtol=1e-6)
    np.testing.assert_allclose(first(LayerScale(initial=0.2), {'layer_scale_initial': 0.5})['scale'], np.full(6, 0.5))
    assert float(first(SkipInit(), {})['gain']) == 0.0
    assert float(first(SkipInit(initial=0.25), {})['gain']) == 0.25
    assert float(first(SkipInit(), {'skip_init_initial': 0.5})['gain']) == 0.5


@pytest.mark.parametrize(('layers', 'factor'), [(2, 16**-0.25), (50, 400**-0.25)])
def test_deep_norm_scales_the_first_kernels_of_branches_but_not_queries(layers, factor):
    # The paper's (8N)^(-1/4) for N layers of two branches each.
    def kernel(rule, branch):
        dense = Dense(4, branch=branch, name='dense', parent=None)
        grown = {}

        def run(y, context):
            grown.update(dense.init(jax.random.key(0), y, context)['params'])
            return y

        rule.apply({}, jnp.asarray(X), Branch(before, norm, run), Context(branches=2 * layers))
        return np.asarray(grown['kernel'])

    pre, deep = RESIDUALS['pre'](), RESIDUALS['deep_norm']()
    np.testing.assert_allclose(kernel(deep, True), factor * kernel(pre, True), rtol=1e-6)
    np.testing.assert_array_equal(kernel(deep, False), kernel(pre, False))


def test_fixup_starts_as_the_identity_and_its_inner_products_smaller():
    """Six branches: 6^(-1/2), queries and keys as they are; then what ends a branch moves, and after it all else."""
    mixer = {'kind': 'attention', 'heads': 2}
    base = {**PLAIN, 'body': {**PLAIN['body'], 'depth': 3}, 'mixer': mixer, 'channel': {'kind': 'mlp', 'ratio': 2.0}}
    models = {kind: build({**base, 'residual': {'kind': kind}}) for kind in ('pre', 'fixup')}
    images = jnp.asarray(np.random.default_rng(0).normal(size=(2, 4, 4, 1)), jnp.float32)
    pre, own = (jax.jit(lambda key, m=m: m.init(key, images, {})[0])(jax.random.key(0))['block_1'] for m in models.values())
    assert not any(name.startswith('norm') for name in own)
    for part, name, factor in (
        ('mixer', 'query', 1.0),
        ('mixer', 'value', 6**-0.5),
        ('mixer', 'output', 0.0),
        ('channel', 'up', 6**-0.5),
        ('channel', 'down', 0.0),
    ):
        np.testing.assert_allclose(own[part][name]['kernel'], factor * pre[part][name]['kernel'], rtol=1e-5)
    assert {name: float(leaf) for name, leaf in own['residual_mixer'].items()} == {'gain': 1.0, 'shift': 0.0, 'bias': 0.0}


@pytest.mark.parametrize('block', ['two_branch', 'one_branch'])
def test_a_sandwich_has_two_norms_of_the_socket_with_numbers_of_their_own(block):
    config = {**PLAIN, 'block': {'kind': block}, 'norm': {'kind': 'rms_norm'}, 'residual': {'kind': 'sandwich'}}
    module = Sockets(config, TABLES).make('block', name=None)
    params = jax.eval_shape(lambda x: module.init(jax.random.key(0), x, Context()), jnp.asarray(X))['params']
    for branch in ('_mixer', '_channel') if block == 'two_branch' else ('',):
        assert params[f'norm{branch}']['scale'].shape == (6,)
        assert params[f'residual{branch}']['norm_after']['scale'].shape == (6,)


def stochastic(layer, depth, rate, train, x=X):
    knobs = {} if rate is None else {'drop_path': rate}
    context = Context(train=train, knobs=knobs, layer=layer, depth=depth)
    return Pre().apply({}, jnp.asarray(x), BRANCH, context, rngs={'noise': jax.random.key(1)})


@pytest.mark.parametrize(('layer', 'rate', 'train'), [(0, 0.5, True), (1, 0.0, True), (1, 0.5, False), (1, None, True)])
def test_nothing_is_dropped_at_the_first_block_at_rate_0_or_outside_training(layer, rate, train):
    np.testing.assert_allclose(stochastic(layer, 2, rate, train), FORMULAS['pre'][1](X), rtol=1e-5, atol=1e-6)


def test_whole_branches_are_dropped_at_the_rate_of_the_place_and_the_rest_is_scaled():
    x = np.broadcast_to(X[:1], (400, *X.shape[1:]))
    branch = np.asarray(stochastic(1, 3, jnp.float32(0.5), True, x=x)) - x
    whole = after(norm(before(X[0]))) / 0.75
    dropped = np.all(branch == 0, axis=(1, 2))
    assert 0.17 < dropped.mean() < 0.33
    np.testing.assert_allclose(branch[~dropped], np.broadcast_to(whole, branch[~dropped].shape), rtol=1e-4, atol=1e-5)


def test_a_rule_without_the_knob_drops_nothing():
    assert [kind for kind, cls in RESIDUALS.items() if 'drop_path' not in cls.KNOBS] == ['none']
    assert Pre.KNOBS == {'drop_path': 0.0}
