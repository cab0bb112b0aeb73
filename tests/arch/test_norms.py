"""Norms against their formulas in numpy."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ablations.tasks.bases import decoder
from arch.context import Context
from arch.contracts import check
from arch.fits import fits
from arch.initials import LecunNormal
from arch.model import build
from arch.norms import NORMS, BatchNorm, DynamicTanh, RmsNorm
from arch.sockets import TABLES

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


def group_norm(x):
    """One example and one group of two channels at a time."""
    y = np.zeros_like(x)
    for b in range(len(x)):
        for first in range(0, 8, 2):
            part = x[b, ..., first : first + 2]
            y[b, ..., first : first + 2] = (part - part.mean()) / np.sqrt(part.var() + 0.1)
    return SCALE * y + BIAS


def scale_norm(x):
    return GAIN * x / np.sqrt((x**2).sum(-1, keepdims=True) + 0.1)


def global_response_norm(x):
    """One example at a time."""
    y = np.zeros_like(x)
    for b in range(len(x)):
        size = np.sqrt((x[b].reshape(-1, 8) ** 2).sum(0) + 0.1**2)
        y[b] = x[b] + SCALE * x[b] * size / (size.mean() + 0.1) + BIAS
    return y


def hard_tanh(x):
    return SCALE * np.minimum(np.maximum(GAIN * x, -1), 1) + BIAS


FORMULAS = {
    'layer_norm': ({'eps': 0.1}, ('scale', 'bias'), layer_norm),
    'rms_norm': ({'eps': 0.1}, ('scale',), rms_norm),
    'dynamic_tanh': ({}, ('gain', 'scale', 'bias'), dynamic_tanh),
    'dynamic_erf': ({}, ('gain', 'shift', 'scale', 'bias'), dynamic_erf),
    'group_norm': ({'groups': 4, 'eps': 0.1}, ('scale', 'bias'), group_norm),
    'scale_norm': ({'eps': 0.1}, ('gain',), scale_norm),
    'global_response_norm': ({'eps': 0.1}, ('scale', 'bias'), global_response_norm),
    'hard_tanh': ({}, ('gain', 'scale', 'bias'), hard_tanh),
    'identity': ({}, (), lambda x: x),
}


def test_every_norm_has_a_formula():
    assert set(FORMULAS) | {'batch_norm', 'adaptive_layer_norm'} == set(NORMS)


@pytest.mark.parametrize('x', [X, X.reshape(2, 2, 3, 8)], ids=['sequence', 'map'])
@pytest.mark.parametrize('kind', FORMULAS)
def test_formula(alone, kind, x):
    fields, names, formula = FORMULAS[kind]
    y = alone('norm', kind, fields, {name: ALL[name] for name in names}, x)
    np.testing.assert_allclose(y, formula(x.astype(np.float64)), rtol=2e-5, atol=2e-5)


def test_group_norm_can_have_no_bias(alone):
    given = {'scale': ALL['scale']}
    y = alone('norm', 'group_norm', {'groups': 4, 'eps': 0.1, 'bias': False}, given, X)
    np.testing.assert_allclose(y, group_norm(X.astype(np.float64)) - ALL['bias'], rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize('kind', ['group_norm', 'global_response_norm'])
def test_statistics_over_positions_are_refused_in_a_causal_body(kind):
    base = decoder(vocabulary=5, length=6, width=8, depth=1, mixer={'kind': 'identity'}, ratio=2.0)
    message = f"norm '{kind}' does not work in a causal body; allowed there: .*'layer_norm', 'rms_norm', 'scale_norm'"
    with pytest.raises(ValueError, match=message):
        build({**base, 'norm': {'kind': kind}})


@pytest.mark.parametrize('kind', [kind for kind, cls in NORMS.items() if 'queries' in fits(cls)])
def test_norms_for_queries_see_one_position(kind):
    def first(params, x):
        return NORMS[kind]().apply({'params': params}, x, Context(causal=True))[0, 0]

    params = {name: jnp.asarray(ALL[name]) for name in FORMULAS[kind][1]}
    slope = jax.jit(jax.jacobian(first, 1))(params, jnp.asarray(X))
    assert np.abs(slope[:, 0, 0]).max() > 1e-3
    assert not np.any(slope[:, 0, 1:]) and not np.any(slope[:, 1:])


def test_groups_divide_the_channels(alone):
    with pytest.raises(ValueError, match=r'groups=3 does not divide width=8; allowed: \[1, 2, 4, 8\]; change groups or width'):
        alone('norm', 'group_norm', {'groups': 3}, {}, X)
    with pytest.raises(ValueError, match="norm 'group_norm': groups=0 is given, allowed is above 0"):
        alone('norm', 'group_norm', {'groups': 0}, {}, X)


def test_a_silent_channel_has_a_finite_gradient():
    x = jnp.asarray(X).at[..., 2].set(0.0)
    variables = {'params': {'scale': jnp.asarray(SCALE), 'bias': jnp.asarray(BIAS)}}
    slope = jax.grad(lambda x: (NORMS['global_response_norm']().apply(variables, x, Context()) ** 2).sum())(x)
    assert np.isfinite(slope).all()


def test_first_values():
    def first(kind):
        return NORMS[kind]().init(jax.random.key(0), jnp.asarray(X), Context())['params']

    np.testing.assert_allclose(first('scale_norm')['gain'], np.sqrt(8), rtol=1e-6)
    assert not np.any(first('global_response_norm')['scale']) and not np.any(first('global_response_norm')['bias'])


class Bare(RmsNorm):
    """Without parameters. `[..., C] -> [..., C]`"""

    scale: bool = False


def test_a_norm_without_a_scale_has_no_parameters_and_starts_no_branch(alone):
    y = alone('norm', 'rms_norm', {'eps': 0.1, 'scale': False}, {}, X)
    np.testing.assert_allclose(y, rms_norm(X.astype(np.float64)) / SCALE, rtol=2e-5, atol=2e-5)
    contracts = check('norm', 'bare', {**TABLES, **{key: {**NORMS, 'bare': Bare} for key in ('norm', 'qk_norm')}}, lines=1)
    assert [f'{one.rule}: {one.why}' for one in contracts if not one.holds] == []
    assert RmsNorm().starts_branch() and not Bare().starts_branch()


@pytest.mark.parametrize(('fields', 'scaled'), [({}, True), ({'scale': False}, False)])
def test_where_no_scale_starts_the_branch_the_product_before_it_does(fields, scaled):
    """Branches that start at 0: in a sandwich by the scale at its end, without one by the last product."""
    base = decoder(vocabulary=5, length=6, width=8, depth=1, mixer={'kind': 'identity'}, ratio=2.0)
    model = build(
        {
            **base,
            'norm': {'kind': 'rms_norm', **fields},
            'residual': {'kind': 'sandwich'},
            'initial': {'kind': 'lecun_normal', 'branch_end': 'zero'},
        }
    )
    params = jax.jit(lambda: model.init(jax.random.key(0), jnp.zeros((1, 6), jnp.int32), {})[0])()['block_0']
    assert params['channel']['down']['kernel'].any() == scaled
    assert ('residual_channel' in params) == scaled


def test_batch_norm_uses_the_batch_in_training_and_running_statistics_outside():
    norm, state = BatchNorm(eps=0.1, momentum=0.75), {'mean': jnp.full(8, 2.0), 'variance': jnp.full(8, 3.0)}
    variables = {'params': {'scale': jnp.asarray(SCALE), 'bias': jnp.asarray(BIAS)}, 'state': state}
    mean, variance = X.mean((0, 1)), X.var((0, 1))
    y, changed = norm.apply(variables, jnp.asarray(X), Context(train=True), mutable=['state'])
    np.testing.assert_allclose(y, SCALE * (X - mean) / np.sqrt(variance + 0.1) + BIAS, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(changed['state']['mean'], 0.75 * 2 + 0.25 * mean, rtol=1e-5)
    unbiased = ((X - mean) ** 2).sum((0, 1)) / (12 - 1)
    np.testing.assert_allclose(changed['state']['variance'], 0.75 * 3 + 0.25 * unbiased, rtol=1e-5)
    y, changed = norm.apply(variables, jnp.asarray(X), Context(), mutable=['state'])
    np.testing.assert_allclose(y, SCALE * (X - 2) / np.sqrt(3.1) + BIAS, rtol=1e-5, atol=1e-5)
    assert jax.tree.all(jax.tree.map(lambda a, b: bool((a == b).all()), changed['state'], state))


def test_batch_norm_has_the_numbers_of_the_library_that_resnets_were_trained_with():
    """Its own defaults, two steps of them: momentum 0.9 of what was there, eps 1e-5."""
    state, mean, variance = {'mean': jnp.zeros(8), 'variance': jnp.ones(8)}, np.zeros(8), np.ones(8)
    params = {'scale': jnp.asarray(SCALE), 'bias': jnp.asarray(BIAS)}
    for x in (X, X[:2] ** 2):
        _, changed = BatchNorm().apply(
            {'params': params, 'state': state}, jnp.asarray(x), Context(train=True), mutable=['state']
        )
        state, rows = changed['state'], x.reshape(-1, 8).astype(np.float64)
        mean = 0.9 * mean + 0.1 * rows.mean(0)
        variance = 0.9 * variance + 0.1 * rows.var(0, ddof=1)
    np.testing.assert_allclose(state['mean'], mean, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(state['variance'], variance, rtol=1e-5)
    y = BatchNorm().apply({'params': params, 'state': state}, jnp.asarray(X), Context())
    np.testing.assert_allclose(y, SCALE * (X - mean) / np.sqrt(variance + 1e-5) + BIAS, rtol=1e-4, atol=1e-5)


def test_batch_norm_of_one_number_is_finite():
    variables = BatchNorm().init(jax.random.key(0), jnp.ones((1, 8)), Context())
    _, changed = BatchNorm().apply(variables, jnp.ones((1, 8)), Context(train=True), mutable=['state'])
    np.testing.assert_allclose(changed['state']['variance'], np.full(8, 0.9), rtol=1e-6)


def test_the_gain_of_dynamic_norms_starts_at_the_knob_or_the_field():
    norm, key = DynamicTanh(alpha0=0.25), jax.random.key(0)
    assert float(norm.init(key, jnp.asarray(X), Context())['params']['gain']) == 0.25
    assert float(norm.init(key, jnp.asarray(X), Context(knobs={'alpha0': 0.75}))['params']['gain']) == 0.75


@pytest.mark.parametrize(
    ('site', 'name'), [('mixer', 'alpha0_mixer'), ('channel', 'alpha0'), ('queries', 'alpha0'), ('', 'alpha0')]
)
def test_the_gain_before_a_mixer_has_a_start_of_its_own(site, name):
    fields = {'alpha0': 0.25, 'alpha0_mixer': 0.75}
    norm, x = DynamicTanh(**fields, site=site), jnp.asarray(X)
    for knobs in ({}, {'alpha0': 2.0, 'alpha0_mixer': 4.0}):
        first = norm.init(jax.random.key(0), x, Context(knobs=knobs))['params']
        assert float(first['gain']) == {**fields, **knobs}[name]


@pytest.mark.parametrize('kind', [kind for kind, cls in NORMS.items() if cls.SCALES_BRANCH])
def test_a_scale_starts_the_branch_at_its_end_alone(kind):
    context = Context(initial=LecunNormal('depth'), branches=4)
    for site, first in (('end', 0.5), ('mixer', 1.0), ('channel', 1.0), ('head', 1.0)):
        params = NORMS[kind](site=site).init(jax.random.key(0), jnp.asarray(X), context)['params']
        assert params['scale'].tolist() == [first] * 8
