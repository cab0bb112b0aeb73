"""Heads against their formulas in numpy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from end_formulas import MAP, PLAIN_NORM, RMS_NORM, cut, dense, kernel, normed, product, scales

from ablations.tasks.bases import decoder
from arch.context import Context
from arch.model import build
from arch.model_sockets import Sockets
from arch.probe import PLAIN
from arch.sockets import TABLES

CAUSAL = decoder(vocabulary=5, length=6, width=8, depth=1, mixer={'kind': 'identity'}, ratio=2.0)


def test_a_softcap_bounds_the_scores_of_tokens(alone):
    params = dense(3, 5)
    y = alone('head', 'next_token', {'outputs': 5, 'softcap': 0.5}, {'head': params}, MAP[0], around=PLAIN_NORM)
    np.testing.assert_allclose(y, 0.5 * np.tanh(product(MAP[0], params) / 0.5), rtol=1e-4, atol=1e-4)


class Tenfold:
    """A stem whose table scores channels by ten times themselves."""

    @staticmethod
    def scores(x):
        return 10 * x


@pytest.mark.parametrize('softcap', [0.0, 0.5])
def test_a_tied_head_caps_the_scores_of_the_stem(softcap):
    spec = {'kind': 'tied_next_token', 'softcap': softcap}
    head = Sockets({**PLAIN, **PLAIN_NORM, 'head': spec}, TABLES).make('head', name=None, stem=Tenfold())
    y = head.apply({}, jnp.asarray(MAP[0]), Context())
    np.testing.assert_allclose(y, 0.5 * np.tanh(20 * MAP[0]) if softcap else 10 * MAP[0], rtol=1e-5)


@pytest.mark.parametrize(('bias', 'names'), [(True, {'kernel', 'bias'}), (False, {'kernel'})])
def test_a_head_of_tokens_has_a_bias_where_it_says(bias, names):
    for kind in ('next_token', 'multi_next_token'):
        head = Sockets({**PLAIN, 'head': {'kind': kind, 'outputs': 5, 'bias': bias}}, TABLES).make('head', name=None)
        params = jax.eval_shape(lambda head=head: head.init(jax.random.key(0), jnp.zeros((2, 4, 6)), Context()))['params']
        assert set(params['head']) == names and params['head']['kernel'].shape == (6, 5)


def test_classifier_is_a_product_on_the_mean(alone):
    params = dense(3, 5)
    y = alone('head', 'classifier', {'outputs': 5}, {'head': params}, MAP, around=PLAIN_NORM)
    np.testing.assert_allclose(y, product(MAP.mean((1, 2)), params), rtol=1e-4, atol=1e-4)


def test_next_token_is_a_product_at_every_position(alone):
    params = dense(3, 5)
    y = alone('head', 'next_token', {'outputs': 5}, {'head': params}, MAP[0], around=PLAIN_NORM)
    np.testing.assert_allclose(y, product(MAP[0], params), rtol=1e-4, atol=1e-4)


def test_per_token_is_a_product_at_every_position_with_outputs_for_each_token(alone):
    params = dense(3, 10)
    y = alone('head', 'per_token', {'outputs': 5, 'factor': 2}, {'head': params}, MAP[0], around=PLAIN_NORM)
    np.testing.assert_allclose(y, product(MAP[0], params).reshape(4, 12, 5), rtol=1e-4, atol=1e-4)


def test_pixel_shuffle_gives_each_pixel_outputs_of_its_own(alone):
    params = dense(3, 20)
    y = alone('head', 'pixel_shuffle', {'outputs': 5, 'factor': 2}, {'head': params}, MAP, around=PLAIN_NORM)
    np.testing.assert_allclose(cut(np.asarray(y), 2), product(MAP, params), rtol=1e-4, atol=1e-4)


def doubled(x, axis):
    """Twice as many places along an axis: a quarter of the neighbour on its side, three of the place itself."""
    first, last = (np.take(x, [place], axis) for place in (0, -1))
    around = np.concatenate([first, x, last], axis)
    before, here, after = (np.take(around, range(start, start + x.shape[axis]), axis) for start in range(3))
    pairs = np.stack([0.25 * before + 0.75 * here, 0.75 * here + 0.25 * after], axis + 1)
    return pairs.reshape(*x.shape[:axis], -1, *x.shape[axis + 1 :])


def test_interpolated_weighs_the_scores_of_the_two_nearest_positions_along_each_axis(alone):
    params = dense(3, 5)
    y = alone('head', 'interpolated', {'outputs': 5, 'factor': 2}, {'head': params}, MAP, around=PLAIN_NORM)

    np.testing.assert_allclose(y, doubled(doubled(product(MAP, params), 1), 2), rtol=1e-4, atol=1e-4)


def test_fused_stages_joins_what_every_stage_says():
    generator = np.random.default_rng(3)
    stages = tuple(generator.normal(size=shape).astype(np.float32) for shape in ((2, 4, 6, 3), (2, 2, 3, 5)))
    fields = {'outputs': 5, 'width': 2, 'factor': 2}
    config = {**PLAIN, **PLAIN_NORM, 'head': {'kind': 'fused_stages', **fields}, 'activation': {'kind': 'relu'}}
    head = Sockets(config, TABLES).make('head', name=None)
    params = {'stage_0': dense(3, 2), 'stage_1': dense(5, 2), 'fuse': dense(4, 2), 'head': dense(2, 5)}
    y = head.apply({'params': params}, stages[-1], Context(stages=stages))
    each = [product(one, params[f'stage_{number}']) for number, one in enumerate(stages)]
    joined = np.concatenate([each[0], doubled(doubled(each[1], 1), 2)], -1)
    scores = product(np.maximum(product(joined, params['fuse']), 0), params['head'])
    np.testing.assert_allclose(y, doubled(doubled(scores, 1), 2), rtol=1e-4, atol=1e-4)


def test_a_hierarchical_body_hands_all_stages_to_its_head():
    body = {'kind': 'hierarchical', 'widths': [4, 6], 'depths': [1, 1]}
    head = {'kind': 'fused_stages', 'outputs': 5, 'width': 2, 'factor': 2}
    config = {
        **PLAIN,
        'body': body,
        'stem': {'kind': 'patchify', 'patch': 2},
        'downsample': {'kind': 'pool_conv'},
        'head': head,
    }
    model = build(config)

    def run(x):
        params, state = model.init(jax.random.key(0), x, {})
        return params, model.apply(params, state, x, knobs={}, key=jax.random.key(0), train=False)[0]

    params, y = jax.eval_shape(run, jax.ShapeDtypeStruct((2, 8, 8, 3), jnp.float32))
    assert y.shape == (2, 8, 8, 5)
    assert {name: one['kernel'].shape for name, one in params['head'].items() if 'stage' in name} == {
        'stage_0': (4, 2),
        'stage_1': (6, 2),
    }


@pytest.mark.parametrize(
    ('kind', 'reading'),
    [
        ('classifier', lambda x: normed(x).mean((1, 2))),
        ('pooled_norm_classifier', lambda x: normed(x.mean((1, 2)))),
        ('pooled_classifier', lambda x: x.mean((1, 2))),
    ],
)
def test_classifiers_norm_and_pool_in_their_own_order(alone, kind, reading):
    params = dense(3, 5)
    given = {'head': params} if kind == 'pooled_classifier' else {'head': params, 'norm': scales(3)}
    y = alone('head', kind, {'outputs': 5}, given, MAP, around=RMS_NORM)
    np.testing.assert_allclose(y, product(reading(MAP), params), rtol=1e-4, atol=1e-4)


def test_mlp_classifier_has_layer_norms_of_its_own(alone):
    def layer_normed(y, own):
        centred = y - y.mean(-1, keepdims=True)
        return own['scale'] * centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6) + own['bias']

    norms = [{'scale': kernel(size)['kernel'], 'bias': kernel(size)['kernel']} for size in (3, 6)]
    first, last, alone_last = dense(3, 6), dense(6, 5), dense(3, 5)
    given = {'norm': norms[0], 'hidden': first, 'norm_hidden': norms[1], 'head': last}
    x = layer_normed(MAP.mean((1, 2)).astype(np.float64), norms[0])
    y = alone('head', 'mlp_classifier', {'outputs': 5, 'ratio': 2.0}, given, MAP, around=RMS_NORM)
    hidden = layer_normed(np.maximum(product(x, first), 0) ** 2, norms[1])
    np.testing.assert_allclose(y, product(hidden, last), rtol=1e-4, atol=1e-4)
    y = alone('head', 'mlp_classifier', {'outputs': 5, 'ratio': 0.0}, {'norm': norms[0], 'head': alone_last}, MAP)
    np.testing.assert_allclose(y, product(x, alone_last), rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match=r'ratio=-1; allowed: 0 \(no hidden channels\) or above'):
        alone('head', 'mlp_classifier', {'ratio': -1.0}, {}, MAP)


def test_first_token_classifier_reads_the_first_position_alone(alone):
    params, x = dense(3, 5), MAP[0]
    y = alone('head', 'first_token_classifier', {'outputs': 5}, {'head': params, 'norm': scales(3)}, x, around=RMS_NORM)
    np.testing.assert_allclose(y, product(normed(x[:, 0]), params), rtol=1e-4, atol=1e-4)


def test_tied_head_scores_against_the_stems_own_table():
    quiet = {'residual': {'kind': 'rezero'}, 'position': {'kind': 'none'}, 'norm': {'kind': 'identity'}}
    model = build({**CAUSAL, **quiet, 'head': {'kind': 'tied_next_token'}})
    ids = jnp.asarray([[0, 3, 1], [4, 4, 2]], jnp.int32)

    @jax.jit
    def run(key):
        params, state = model.init(key, ids, {})
        return params, model.apply(params, state, ids, knobs={}, key=key, train=False)[0]

    params, y = run(jax.random.key(0))
    table = np.asarray(params['stem']['embedding'], np.float64)
    assert 'head' not in params
    np.testing.assert_allclose(y, table[ids] @ table.T, rtol=1e-5, atol=1e-5)
