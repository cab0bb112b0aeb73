"""Skips between depths: their formula in numpy, where they cannot be, and what they change for nobody else."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arch.config import complete
from arch.cost import cost_of
from arch.model import build

DEPTH, WIDTH = 5, 4
X = np.random.default_rng(0).normal(size=(2, 4, 4, 1)).astype(np.float32)


def config(skips, **body):
    """Layers that double what they get: the mixer is the identity, and so is the norm."""
    return complete(
        body={'kind': 'isotropic', 'width': WIDTH, 'depth': DEPTH, 'skips': skips, **body},
        stem={'kind': 'patchify', 'patch': 2},
        block={'kind': 'mixer_only'},
        mixer={'kind': 'identity'},
        norm={'kind': 'identity'},
        head={'kind': 'pooled_classifier', 'outputs': 3},
    )


def scored(own):
    """The model's scores with random parameters, these, and what enters the first layer."""
    model = build(own)
    drawn = jax.eval_shape(lambda x: model.init(jax.random.key(0), x, {})[0], jnp.asarray(X))
    generator = np.random.default_rng(1)
    params = jax.tree.map(lambda leaf: generator.normal(size=leaf.shape).astype(np.float32), drawn)
    y = jax.jit(lambda params: model.apply(params, {}, jnp.asarray(X), knobs={}, key=jax.random.key(0), train=False)[0])(params)
    cut = X.reshape(2, 2, 2, 2, 2, 1).transpose(0, 1, 3, 2, 4, 5).reshape(2, 2, 2, 4)
    stem = params['stem']['patches']
    return y, params, cut.astype(np.float64) @ stem['kernel'] + stem['bias']


@pytest.mark.parametrize('skips', ['product', 'weighted'])
def test_the_last_layer_gets_the_first_ones_output_and_the_fourth_the_second_ones(skips):
    y, params, x = scored(config(skips))
    made = []
    for layer in range(DEPTH):
        if layer >= 3:
            early, join = made[DEPTH - 1 - layer], params[f'skip_{layer}']
            if skips == 'weighted':
                x = x + join['gain'] * early
            else:
                x = np.concatenate([x, early], -1) @ join['kernel'] + join['bias']
        x = 2 * x
        made.append(x)
    head = params['head']['head']
    np.testing.assert_allclose(y, x.mean((1, 2)) @ head['kernel'] + head['bias'], rtol=1e-4)
    assert {name for name in params if name.startswith('skip')} == {'skip_3', 'skip_4'}


def test_costs_roles_and_places_of_the_joining_products():
    own = config('product')
    counted, plain = (
        cost_of(one, jax.ShapeDtypeStruct(X.shape, jnp.float32))
        for one in (own, {**own, 'body': {**own['body'], 'skips': 'none'}})
    )
    assert counted['params'] - plain['params'] == 2 * (2 * WIDTH * WIDTH + WIDTH)
    assert counted['macs'] - plain['macs'] == 2 * 4 * 2 * WIDTH * WIDTH
    model = build(own)
    drawn = jax.eval_shape(lambda x: model.init(jax.random.key(0), x, {})[0], jnp.asarray(X))
    assert model.roles(drawn)['skip_3'] == {'kernel': 'matrix', 'bias': 'vector'}
    assert model.above(drawn)['skip_3']['kernel'] == DEPTH - 3


@pytest.mark.parametrize(
    ('changes', 'why'),
    [
        ({'body': {'skips': 'sum'}}, r"skips='sum'; allowed: \['none', 'product', 'weighted'\]"),
        ({'body': {'depth': 2}}, "skips='product' with depth=2.*raise depth"),
        ({'body': {'over_depth': 'scan'}}, r"no scan holds; put\('body.over_depth', 'loop'\)"),
        (
            {'residual': {'kind': 'hyper_connections'}},
            "residual 'hyper_connections' keeps several streams; body.skips join one",
        ),
    ],
)
def test_refused(changes, why):
    own = config('product')
    with pytest.raises(ValueError, match=why):
        build({**own, **changes, 'body': {**own['body'], **changes.get('body', {})}})


def test_a_causal_model_with_skips_stays_causal():
    own = {**config('weighted', causal=True), 'stem': {'kind': 'tokens', 'vocabulary': 5}}
    own |= {'mixer': {'kind': 'depthwise_conv', 'kernel': 2}, 'head': {'kind': 'next_token', 'outputs': 5}}
    model, ids = build(own), jnp.asarray([[0, 1, 2, 3]])
    ones = jax.tree.map(lambda leaf: jnp.ones(leaf.shape), jax.eval_shape(lambda: model.init(jax.random.key(0), ids, {})[0]))
    run = jax.jit(lambda ids: model.apply(ones, {}, ids, knobs={}, key=jax.random.key(0), train=True)[0])
    seen, changed = run(ids), run(ids.at[:, 2:].set(4))
    np.testing.assert_array_equal(seen[:, :2], changed[:, :2])


def test_an_early_layer_is_added_as_it_is_at_first():
    model = build(config('weighted'))
    params = model.init(jax.random.key(0), jnp.asarray(X), {})[0]
    assert [float(params[f'skip_{layer}']['gain']) for layer in (3, 4)] == [1.0, 1.0]
