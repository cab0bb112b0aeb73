"""Scan over depth, remat and the type of the computation: the same model by other means."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from rounding import assert_same_numbers

from ablations.tasks.bases import convnext, decoder
from arch.dense import Dense
from arch.depth import stacked, unstacked
from arch.model import build
from arch.model_sockets import Sockets
from arch.probe import started
from arch.sockets import TABLES

ATTENTION = {'kind': 'attention', 'heads': 2, 'biases': 'needed'}
DECODER = decoder(vocabulary=5, length=6, width=8, depth=3, mixer=ATTENTION, ratio=2.0)
STAGES = convnext(outputs=3, patch=2, widths=[4, 8], depths=[2, 2], kernel=3)
RESNET = {
    **STAGES,
    'block': {'kind': 'bottleneck'},
    'norm': {'kind': 'batch_norm'},
    'body': {**STAGES['body'], 'depths': [3, 1]},
    'downsample': {'kind': 'in_block'},
    'head': {'kind': 'pooled_classifier', 'outputs': 3},
}
IDS = jnp.asarray(np.random.default_rng(0).integers(0, 5, size=(2, 6)), jnp.int32)
IMAGES = jnp.asarray(np.random.default_rng(0).normal(size=(2, 8, 8, 1)), jnp.float32)
MODELS = {'tokens': (DECODER, IDS), 'stages': (STAGES, IMAGES), 'in block': (RESNET, IMAGES)}
KEY = jax.random.key(0)
ROUNDINGS = 1000
"""Forward and back through five blocks, each with sums of up to 36 taps, 16 hidden channels and 32 positions, twice."""


def put(config, **fields):
    return {**config, 'body': {**config['body'], **fields}}


def scanned(config):
    return put(config, over_depth='scan')


def shapes(config, x):
    """The shapes of parameters and statistics; nothing is computed."""
    return jax.eval_shape(lambda: build(config).init(KEY, x, {}))


def numbers(config):
    """Which blocks each scanned module of the body holds."""
    return Sockets(config, TABLES).make('body', name=None).blocks()


@functools.cache
def drawn(name):
    """Random parameters and statistics of a scanned model, no two blocks alike; `unstacked` they are those of the loop."""
    config, x = MODELS[name]
    params, state = started(*shapes(scanned(config), x))
    return jax.tree.map(lambda leaf: leaf / 2, params), state


@functools.cache
def program(name, way='loop', remat=False, backward=True):
    """A compiled step: `(params, state, drop_path) -> slopes, scores, next statistics`; no slopes without `backward`."""
    config, x = MODELS[name]
    model = build(put(config, over_depth=way, remat=remat))

    @jax.jit
    def step(params, state, drop_path):
        def loss(params):
            y, after, _ = model.apply(params, state, x, knobs={'drop_path': drop_path}, key=KEY, train=True)
            return (y**2).sum(), (y, after)

        slopes, (y, after) = jax.grad(loss, has_aux=True)(params) if backward else ({}, loss(params)[1])
        return slopes, y, after

    return step


def run(name, way='loop', remat=False, drop_path=0.0, backward=True):
    """Slopes, scores and next statistics of a model with the numbers of `drawn`."""
    own = drawn(name)
    if way == 'loop':
        own = [unstacked(tree, numbers(MODELS[name][0])) for tree in own]
    return program(name, way, remat, backward)(*own, jnp.float32(drop_path))


@pytest.mark.parametrize(
    ('name', 'backward'),
    [('tokens', True), ('stages', True), ('in block', False), pytest.param('in block', True, marks=pytest.mark.slow)],
)
def test_a_scan_and_a_loop_are_the_same_model(name, backward):
    for one, other in zip(run(name, backward=backward), run(name, 'scan', backward=backward), strict=True):
        if isinstance(one, dict) and one:
            assert 'blocks_0' not in one
            one = stacked(one, numbers(MODELS[name][0]))
        assert_same_numbers(one, other, ROUNDINGS)


@pytest.mark.parametrize('name', ['tokens', *(pytest.param(name, marks=pytest.mark.slow) for name in ('stages', 'in block'))])
def test_a_scan_and_a_loop_draw_the_same_model(name):
    config, x = MODELS[name]
    ways = build(config), build(scanned(config))
    looped, whole = jax.jit(lambda: [model.init(KEY, x, {}) for model in ways])()
    assert 'blocks_0' in whole[0] and 'blocks_0' not in looped[0]
    for one, other in zip(looped, whole, strict=True):
        assert_same_numbers(stacked(one, numbers(config)), other, ROUNDINGS)


@pytest.mark.parametrize('way', ['loop', 'scan'])
def test_remat_changes_no_number(way):
    stored, computed = (run('stages', way, remat, drop_path=0.5) for remat in (False, True))
    assert_same_numbers(stored, computed, ROUNDINGS)


def saved(config, x):
    """The number of floats that the backward pass keeps of the forward pass."""
    model = build(config)
    params, state = jax.eval_shape(lambda: model.init(KEY, x, {}))

    def forward(params, state):
        return jax.vjp(lambda p: model.apply(p, state, x, knobs={}, key=KEY, train=True)[0], params)[1]

    return sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(forward, params, state)))


@pytest.mark.parametrize('way', ['loop', 'scan'])
def test_remat_keeps_less(way):
    config = put(DECODER, over_depth=way, depth=6)
    assert saved(put(config, remat=True), IDS) < 0.6 * saved(config, IDS)


def test_stacked_and_unstacked_are_inverse():
    deep = put(RESNET, depths=[3, 3])
    params, _ = started(*shapes(deep, IMAGES))
    layers = numbers(deep)
    assert layers == {'blocks_0': range(1, 3), 'blocks_1': range(4, 6)}
    there = stacked(params, layers)
    assert set(there) == {'stem', 'block_0', 'blocks_0', 'downsample_1', 'block_3', 'blocks_1', 'head'}
    back = unstacked(there, layers)
    assert jax.tree.structure(back) == jax.tree.structure(params)
    assert jax.tree.all(jax.tree.map(np.array_equal, back, params))


def equations(program):
    inner = [value for equation in program.eqns for value in jax.tree.leaves(list(equation.params.values()))]
    return len(program.eqns) + sum(equations(item.jaxpr) for item in inner if hasattr(item, 'jaxpr'))


@pytest.mark.parametrize('config', [DECODER, put(DECODER, remat=True)], ids=['kept', 'remat'])
def test_a_scanned_program_does_not_grow_with_depth(config):
    def program(depth):
        model = build(put(config, over_depth='scan', depth=depth))
        params, state = jax.eval_shape(lambda: model.init(KEY, IDS, {}))

        def loss(params, state):
            return (model.apply(params, state, IDS, knobs={}, key=KEY, train=True)[0] ** 2).sum()

        return equations(jax.make_jaxpr(jax.grad(loss))(params, state).jaxpr)

    assert program(100) == program(3)


@pytest.mark.parametrize('name', ['tokens', 'stages'])
def test_bfloat16_products_and_float32_parameters(name):
    config, x = MODELS[name]
    model = build(put(config, compute='bfloat16'))
    params, state = (unstacked(tree, numbers(config)) for tree in drawn(name))

    def forward(params, state):
        return model.apply(params, state, x, knobs={}, key=KEY, train=True)[:2]

    def slopes(params, state):
        return jax.grad(lambda params: forward(params, state)[0].sum())(params)

    y, after = jax.jit(forward)(params, state)
    first = shapes(put(config, compute='bfloat16'), x)
    made = (*first, after, jax.eval_shape(slopes, params, state))
    assert y.dtype == jnp.float32
    assert {leaf.dtype for tree in made for leaf in jax.tree.leaves(tree)} == {jnp.dtype('float32')}
    wide = run(name)[1]
    assert 0 < np.abs(y - wide).max() < 0.1 * np.abs(wide).max()
    products = [
        str(e.invars[0].aval.dtype) for e in jax.make_jaxpr(forward)(params, state).eqns if e.primitive.name == 'dot_general'
    ]
    assert set(products) <= {'bfloat16'}


def test_rules_that_no_scan_can_carry_are_refused():
    grows = [kind for kind, cls in TABLES['residual'].items() if not cls.SCANS]
    for kind in grows:
        with pytest.raises(
            ValueError, match=rf"residual '{kind}' is not the same program at every depth.*put\('body.over_depth'"
        ) as refused:
            build({**put(DECODER, over_depth='scan'), 'residual': {'kind': kind}})
        allowed = str(refused.value).partition("allowed with over_depth='scan': ")[2].partition(';')[0]
        assert allowed == str(sorted(set(TABLES['residual']) - set(grows)))


def test_a_kind_may_say_that_it_cannot_be_scanned():
    class Alternates(nn.Module):
        """Every second block mixes nothing: `[B, N, C] -> [B, N, C]`"""

        SCANS = False

        @nn.compact
        def __call__(self, x, context):
            return Dense(x.shape[-1], name='output')(x, context) if context.layer % 2 else x

    tables = {**TABLES, 'mixer': {**TABLES['mixer'], 'alternates': Alternates}}
    config = {**DECODER, 'mixer': {'kind': 'alternates'}}
    params, _ = jax.eval_shape(lambda: build(config, tables).init(KEY, IDS, {}))
    assert ['mixer' in params[f'block_{layer}'] for layer in range(3)] == [False, True, False]
    with pytest.raises(ValueError, match="mixer 'alternates' is not the same program at every depth"):
        build(put(config, over_depth='scan'), tables)
