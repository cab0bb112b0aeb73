"""Towers: each example goes through one of them alone, whose layers may be of its own kinds."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arch.config import complete
from arch.cost import cost_of
from arch.depth import stacked
from arch.model import build
from arch.model_sockets import Sockets
from arch.sockets import TABLES

VOCABULARY, WIDTH, KEY = 9, 8, jax.random.key(0)
IDS = np.random.default_rng(0).integers(0, VOCABULARY, (6, 5), dtype=np.int32)
IDS[:, 0] = [0, 1, 2, 1, 7, 0]
OWNERS = [0, 1, 0, 1, 0, 0]
"""By the marks below: what is in none is read by the first."""


def config(body, **given):
    return complete(
        body={'width': WIDTH, **body},
        stem={'kind': 'tokens', 'vocabulary': VOCABULARY},
        position={'kind': 'learned', 'length': 5},
        mixer={'kind': 'differential_attention', 'heads': 2},  # its first mixture depends on the number of the layer
        channel={'kind': 'mlp', 'ratio': 2.0},
        head={'kind': 'classifier', 'outputs': 3},
        **given,
    )


def towers(**body):
    return config({'kind': 'towers', 'depths': [2, 1], 'marks': [[0, 2], [1]], **body})


def scores(model, params, x=IDS):
    return jax.jit(lambda params, x: model.apply(params, {}, x, knobs={}, key=KEY, train=False)[0])(params, jnp.asarray(x))


def drawn(model):
    """Random parameters: first gains would hide what is behind them."""
    generator = np.random.default_rng(1)
    shapes = jax.eval_shape(lambda: model.init(KEY, jnp.asarray(IDS), {})[0])
    return jax.tree.map(lambda leaf: jnp.asarray(generator.normal(size=leaf.shape) / 2, jnp.float32), shapes)


@pytest.fixture(scope='module')
def made():
    model = build(towers())
    params = drawn(model)
    return model, params, scores(model, params)


def test_each_example_has_the_scores_of_the_model_that_is_its_tower(made):
    _, params, y = made
    shared = {name: params[name] for name in ('stem', 'position', 'head')}
    whole = [
        {**shared, 'block_0': params['block_0'], 'block_1': params['block_1']},
        {**shared, 'block_0': params['block_2']},
    ]
    alone = [scores(build(config({'kind': 'isotropic', 'depth': len(own) - 3})), own) for own in whole]
    np.testing.assert_allclose(y, [alone[owner][n] for n, owner in enumerate(OWNERS)], rtol=1e-5, atol=1e-5)
    assert not np.allclose(alone[0], alone[1], atol=0.1)


def test_an_example_teaches_its_own_tower_alone(made):
    model, params, _ = made

    def loss(params, x):
        return (model.apply(params, {}, x, knobs={}, key=KEY, train=True)[0] ** 2).sum()

    slopes = jax.jit(jax.grad(loss))(params, jnp.asarray(IDS[[0, 2, 5]]))
    sizes = {name: max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(slopes[name])) for name in params}
    assert sizes['block_2'] == 0 and min(size for name, size in sizes.items() if name != 'block_2') > 0


def test_without_marks_the_first_token_counts_modulo_the_towers(made):
    _, params, _ = made
    model = build(towers(marks=[]))
    x = IDS.copy()
    x[:, 0] = [4, 3, 2, 1, 0, 5]
    alike = scores(build(towers(marks=[[0, 2, 4], [1, 3, 5]])), params, x)
    np.testing.assert_array_equal(scores(model, params, x), alike)


def test_a_scan_is_the_same_and_costs_and_places_are_those_of_all_towers(made):
    model, params, y = made
    own = towers(over_depth='scan')
    scanned = build(own)
    holds = Sockets(own, TABLES).make('body', name=None).blocks()
    assert holds == {'blocks_0': range(2), 'blocks_1': range(2, 3)}
    np.testing.assert_allclose(scores(scanned, stacked(params, holds)), y, rtol=1e-5, atol=1e-5)
    above = {name: set(jax.tree.leaves(part)) for name, part in model.above(params).items()}
    assert above == {'head': {0}, 'block_1': {1}, 'block_2': {1}, 'block_0': {2}, 'stem': {3}, 'position': {3}}
    example = jax.ShapeDtypeStruct(IDS.shape, jnp.int32)
    costs = [cost_of(one, example) for one in (towers(), own, config({'kind': 'isotropic', 'depth': 3}))]
    assert costs[0]['macs'] == costs[1]['macs'] == costs[2]['macs'] and len({one['params'] for one in costs}) == 1


def test_towers_may_have_mixers_and_depths_of_their_own():
    model = build(towers(stack=[{'stage': 1, 'mixer': {'kind': 'depthwise_conv', 'kernel': 3, 'bias': True}}]))
    params = drawn(model)
    assert set(params['block_2']['mixer']) == {'depthwise'} and 'query' in str(params['block_0']['mixer'])


@pytest.mark.parametrize(
    ('body', 'given', 'said'),
    [
        ({'marks': [[0]]}, {}, '1 lists of marks and 2 depths are given'),
        ({'marks': [[0], [0, 1]]}, {}, r'the marks \[0\] are there twice'),
        ({'marks': [[4, 1, 4], [0, 1]]}, {}, r'the marks \[1, 4\] are there twice; allowed: each in one tower'),
        ({'marks': [0, 1]}, {}, r'marks has 0; allowed: a list of first tokens for each tower; use \[0\]'),
        ({'depths': [], 'marks': []}, {}, 'has nothing in it'),
        ({'depths': [1, 0]}, {}, r'depths\[1\]'),
        ({}, {'norm': {'kind': 'batch_norm'}}, "norm 'batch_norm' mixes the examples of a batch"),
        ({}, {'stem': {'kind': 'waveform'}}, 'tells examples apart by their first token'),
    ],
)
def test_what_towers_cannot_be_is_refused(body, given, said):
    own = {**towers(**body), **given}
    x = jnp.asarray(IDS) if 'stem' not in given else jnp.zeros((2, 6, 1))
    with pytest.raises(ValueError, match=said):
        jax.eval_shape(lambda: build(own).init(KEY, x, {}))
