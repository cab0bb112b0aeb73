"""Costs against counts by hand."""

import functools

import jax
import jax.numpy as jnp
import pytest
from flax import linen as nn
from jax.scipy.linalg import solve_triangular

from ablations.tasks.bases import convnext, decoder
from arch.block import Body
from arch.cost import cost, cost_of, multiply_adds, parameters, trained_on
from arch.model import Model, build
from arch.model_sockets import Sockets
from arch.ops.lowering import lowering
from arch.outline import outline
from arch.sockets import TABLES

CONV = convnext(outputs=3, patch=2, widths=[4, 8], depths=[1, 1], kernel=3)
DECODER = decoder(vocabulary=5, length=6, width=8, depth=1, mixer={'kind': 'attention', 'heads': 2}, ratio=2.0)
PLAIN = {'conv': CONV, 'decoder': DECODER}


def images(batch):
    return jax.ShapeDtypeStruct((batch, 8, 8, 1), jnp.float32)


def ids(batch):
    return jax.ShapeDtypeStruct((batch, 6), jnp.int32)


@functools.cache
def counted(name, batch):
    return cost(build(PLAIN[name]), images(batch) if name == 'conv' else ids(batch))


def test_conv_body_by_hand():
    counts = counted('conv', 4)
    assert counts['params_by_part'] == {
        'stem': 4 * 4 + 4 + 8,
        'block_0': (9 * 4 + 4) + 8 + (4 * 16 + 16) + (16 * 4 + 4),
        'downsample_1': 8 + (4 * 8 + 8),
        'block_1': (9 * 8 + 8) + 16 + (8 * 32 + 32) + (32 * 8 + 8),
        'head': 16 + (8 * 3 + 3),
    }
    assert counts['macs_by_part'] == {
        'stem': 16 * 4 * 4,
        'block_0': 16 * (9 * 4 + 2 * 4 * 16),
        'downsample_1': 4 * 4 * 8,
        'block_1': 4 * (9 * 8 + 2 * 8 * 32),
        'head': 8 * 3,
    }
    assert counts['params_by_role'] == {
        'matrix': 2 * 4 * 16 + 4 * 8 + 2 * 8 * 32,
        'conv': 9 * 4 + 9 * 8,
        'embedding': 4 * 4,
        'head': 8 * 3,
        'vector': counts['params'] - (2 * 4 * 16 + 4 * 8 + 2 * 8 * 32) - (9 * 4 + 9 * 8) - 4 * 4 - 8 * 3,
    }
    assert counts['flops'] == 2 * 4 * (3 * counts['macs'] - counts['macs_by_part']['stem'])  # no gradient of the images


def test_decoder_by_hand():
    counts = counted('decoder', 2)
    attention = 4 * 8 * 8 + 3 * 8
    assert counts['params_by_part'] == {
        'stem': 5 * 8,
        'position': 6 * 8,
        'block_0': 16 + attention + 16 + (8 * 16 + 16) + (16 * 8 + 8),
        'head': 16 + (8 * 5 + 5),
    }
    assert counts['macs_by_part'] == {
        'block_0': 6 * 4 * 8 * 8 + 2 * 6 * 6 * 8 + 6 * 2 * 8 * 16,
        'head': 6 * 8 * 5,
    }
    assert counts['flops'] == 2 * 2 * 3 * counts['macs']


@pytest.mark.parametrize(('name', 'batch'), [('conv', 4), ('decoder', 2)])
def test_sums_and_batches(name, batch):
    small, large = counted(name, batch), counted(name, 4 * batch)
    assert small['params'] == sum(small['params_by_role'].values()) == sum(small['params_by_part'].values())
    assert small['macs'] == sum(small['macs_by_part'].values()) == large['macs']
    assert large['flops'] == 4 * small['flops']
    assert 0 < 3 * small['activation_bytes'] < large['activation_bytes'] <= 4 * small['activation_bytes']


def test_counts_do_not_depend_on_the_lowering():
    counts = []
    for name in ('reference', 'toeplitz', 'shifts'):
        with lowering(name):
            counts.append(cost(build(CONV), images(2)))
    for name in ('params', 'macs', 'flops', 'macs_by_part'):
        assert counts[0][name] == counts[1][name] == counts[2][name]


def test_pooling_costs_the_same_for_each_example():
    model = build({**CONV, 'mixer': {'kind': 'pool', 'window': 3}})
    assert cost(model, images(8))['flops'] == 4 * cost(model, images(2))['flops']


def test_saved_activations_by_hand():
    """An isotropic body without mixer, norm or residual: what a product and a ReLU keep for the backward pass."""
    config = {
        **DECODER,
        'position': {'kind': 'none'},
        'mixer': {'kind': 'identity'},
        'norm': {'kind': 'identity'},
        'residual': {'kind': 'none'},
        'activation': {'kind': 'relu'},
    }
    batch, tokens = 4, 6
    counts = cost(build(config), ids(batch))
    inputs = batch * tokens * (8 + 16 + 8) * 4  # of the products up, down and head
    loss = batch * tokens * 5 * 4
    assert inputs + loss <= counts['activation_bytes'] <= inputs + 2 * loss + batch * tokens * (16 * 4 + 4 * 8)


@pytest.mark.parametrize(('name', 'batch'), [('conv', 4), ('decoder', 2)])
def test_parts_and_roles_add_up(name, batch):
    counts = counted(name, batch)
    for name in ('params', 'macs', 'flops', 'activation_bytes'):
        assert sum(counts[f'{name}_by_part'].values()) == counts[name], name
    for name in ('params', 'macs', 'flops'):
        assert sum(counts[f'{name}_by_role'].values()) == counts[name], name
    assert set(counts['macs_by_part']) <= set(counts['params_by_part'])
    assert set(counts['activation_bytes_by_part']) - {'loss'} <= {*counts['params_by_part']}


def test_products_of_attention_belong_to_no_kernel():
    counts = counted('decoder', 2)
    assert counts['macs_by_role'] == {
        'matrix': 6 * (4 * 8 * 8 + 2 * 8 * 16),
        'activation': 2 * 6 * 6 * 8,
        'head': 6 * 8 * 5,
    }
    assert counted('conv', 4)['macs_by_role']['conv'] == 16 * 9 * 4 + 4 * 9 * 8


RESNET = {
    **convnext(outputs=3, patch=2, widths=[8, 16], depths=[2, 4], kernel=3),
    'stem': {'kind': 'overlapping_conv', 'width': 4},
    'block': {'kind': 'bottleneck'},
    'mixer': {'kind': 'conv', 'kernel': 3, 'bias': False},
    'norm': {'kind': 'batch_norm'},
    'downsample': {'kind': 'in_block'},
    'head': {'kind': 'pooled_classifier', 'outputs': 3},
}
DEEP_RESNET = {**RESNET, 'body': {**RESNET['body'], 'depths': [1, 5]}}
DEEP = {
    'conv': convnext(outputs=3, patch=2, widths=[4, 8], depths=[5, 1], kernel=3),
    'decoder': {**DECODER, 'body': {**DECODER['body'], 'depth': 5}},
    'resnet': DEEP_RESNET,
    'post': {**DECODER, 'body': {**DECODER['body'], 'depth': 4, 'remat': True}, 'residual': {'kind': 'post'}},
}


@pytest.mark.parametrize(
    'name', ['conv', 'post', *(pytest.param(name, marks=pytest.mark.slow) for name in ('decoder', 'resnet'))]
)
def test_a_deep_model_counted_by_few_blocks_is_counted_exactly(name):
    config, x = DEEP[name], ids(2) if name in ('decoder', 'post') else images(2)
    counts = cost_of(config, x)
    assert counts == cost(build(config), x)
    assert (counts['params'], counts['macs']) == (parameters(config, x), multiply_adds(config, x))


def test_parts_come_in_the_order_of_the_program():
    parts = [f'block_{number}' for number in range(6)]
    order = ['stem', *parts[:5], 'downsample_1', *parts[5:], 'head']
    assert list(cost_of(DEEP['conv'], images(1))['params_by_part']) == order


def test_a_scan_costs_what_its_loop_costs():
    scanned = {**DECODER, 'body': {**DECODER['body'], 'depth': 5, 'over_depth': 'scan'}}
    loop = {**DECODER, 'body': {**DECODER['body'], 'depth': 5}}
    assert cost_of(scanned, ids(2)) == cost_of(loop, ids(2))
    whole, counted = cost(build(scanned), ids(2)), cost_of(scanned, ids(2))
    assert [whole[name] for name in ('params', 'macs', 'flops')] == [counted[name] for name in ('params', 'macs', 'flops')]


def test_a_strided_convolution_costs_its_products_forward_and_twice_backward():
    counts = cost(build(RESNET), images(4))
    assert counts['flops'] == 2 * 4 * (3 * counts['macs'] - counts['macs_by_part']['stem'])


def test_a_shortcut_costs_what_it_computes_and_stands_before_its_block():
    counts = cost(build(RESNET), images(1))
    assert list(counts['macs_by_part'])[:3] == ['stem', 'downsample_0', 'block_0']
    assert counts['macs_by_part']['downsample_0'] == 2 * 2 * 4 * 8
    assert counts['macs_by_part']['downsample_1'] == 8 * 16
    assert counts['params_by_part']['downsample_1'] == 8 * 16 + 2 * 16
    assert counts['macs_by_part']['block_1'] == 2 * 2 * (8 * 2 + 9 * 2 * 2 + 2 * 8)


def test_the_product_of_a_tied_head_is_the_heads():
    tied = cost(build({**DECODER, 'head': {'kind': 'tied_next_token'}}), ids(1))
    assert tied['macs_by_part']['head'] == 6 * 8 * 5 and 'stem' not in tied['macs_by_part']


def test_computing_blocks_again_keeps_less_and_costs_one_more_forward():
    config = {**DECODER, 'body': {**DECODER['body'], 'depth': 5}}
    again = cost_of({**config, 'body': {**config['body'], 'remat': True}}, ids(2))
    counts = cost_of(config, ids(2))
    assert again['activation_bytes'] < counts['activation_bytes'] / 2
    assert counts['flops'] < again['flops'] <= counts['flops'] * 4 / 3


def counted_by_hand(program, *shape):
    """What a program of one input costs, as that of a model without parameters."""

    def apply(params, state, x, *, knobs, key, train):
        return program(x), state, {}

    def none(params):
        return {}

    model = Model(
        init=lambda key, x, knobs: ({}, {}), apply=apply, roles=none, products=none, knobs={}, knob_bounds={}, causal=False
    )
    return cost(model, jax.ShapeDtypeStruct((1, *shape), jnp.float32))['macs']


def triangle(x):
    return solve_triangular(x, jnp.ones((1, 8, 3)))


def turns(x):
    return jax.lax.scan(lambda carried, _: (carried @ x[0], None), x[0], None, length=5)[0][None]


@pytest.mark.parametrize(
    ('program', 'shape', 'macs'),
    [
        (lambda x: jnp.fft.fft(x.astype(jnp.complex64)).real, (16,), 2.5 * 16 * 4),
        (lambda x: jnp.fft.rfft(x).real, (16,), 1.25 * 16 * 4),
        (lambda x: jnp.fft.irfft(x.astype(jnp.complex64)), (9,), 1.25 * 16 * 4),
        (lambda x: jnp.fft.fft(x.astype(jnp.complex64)).real, (3, 16), 3 * 2.5 * 16 * 4),
        (lambda x: jnp.fft.fftn(x.astype(jnp.complex64), axes=(1, 2)).real, (4, 16), 2.5 * 64 * 6),
        (triangle, (8, 8), 8 * 8 * 3 / 2),
        (turns, (3, 3), 5 * 27),
        (lambda x: jnp.einsum('bnkd,bmkd->bknm', x, x), (5, 2, 3), 2 * 5 * 5 * 3),
        (lambda x: x * x + jnp.exp(x), (5,), 0),
    ],
    ids=['transform', 'of reals', 'to reals', 'of rows', 'of maps', 'triangle', 'loop', 'scores', 'none'],
)
def test_programs_by_hand(program, shape, macs):
    assert counted_by_hand(program, *shape) == macs


def test_counts_of_training_are_those_of_shorter_examples():
    whole = {'params': 1, 'macs': 2, 'flops': 3, 'flops_by_part': {'head': 3}, 'activation_bytes': 4, 'largest_bytes': 5}
    shorter = {name: {'head': 0} if '_by_' in name else 0 for name in whole}
    assert trained_on(whole, shorter) == {**whole, 'flops': 0, 'flops_by_part': {'head': 0}, 'activation_bytes': 0}


class Flat(Body):
    """A body of a user's own, which knows nothing of stages or scans. `[B, H, W, I] -> [B, V]`"""

    sockets: Sockets
    width: int = 8

    @nn.compact
    def __call__(self, x, context):
        x = self.sockets.make('stem', name='stem', features=self.width)(x, context)
        return self.sockets.make('head', name='head')(x, context)


def test_a_body_of_a_users_own_is_counted_as_it_is():
    own, tables = {**CONV, 'body': {'kind': 'flat'}}, {**TABLES, 'body': {**TABLES['body'], 'flat': Flat}}
    model = build(own, tables)
    counts = cost_of(own, images(2), tables)
    assert counts == cost(model, images(2))
    assert (counts['params'], counts['macs']) == (4 * 8 + 8 + 16 + 16 + 8 * 3 + 3, 16 * 4 * 8 + 8 * 3)
    assert (counts['params'], counts['macs']) == (parameters(own, images(2), tables), multiply_adds(own, images(2), tables))
    assert [part.name for part in outline(own, images(2), tables)] == ['stem', 'head']
    assert model.above is None and build(CONV).above is not None
    body = Sockets(own, tables).make('body', name=None)
    assert (body.blocks(), body.stages(), body.above_blocks(), body.with_stages([1])) == ({}, (), (), {})


class Staged(Flat):
    """It knows its stages, and is never scanned. `[B, H, W, I] -> [B, V]`"""

    @nn.nowrap
    def stages(self):
        return 1, 1

    @nn.compact
    def __call__(self, x, context):
        x = self.sockets.make('stem', name='stem', features=self.width)(x, context)
        for number in range(2):
            x = self.sockets.make('block', name=f'block_{number}', features=self.width)(x, context)
        return self.sockets.make('head', name='head')(x, context)


def test_layers_above_are_known_where_the_body_knows_its_stages():
    own, tables = {**CONV, 'body': {'kind': 'staged'}}, {**TABLES, 'body': {**TABLES['body'], 'staged': Staged}}
    model = build(own, tables)
    params = jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.zeros((1, 8, 8, 1)), {})[0])
    above = {name: set(jax.tree.leaves(part)) for name, part in model.above(params).items()}
    assert above == {'stem': {3}, 'block_0': {2}, 'block_1': {1}, 'head': {0}}
    assert list(cost_of(own, images(1), tables)['params_by_part']) == ['stem', 'block_0', 'block_1', 'head']


def test_what_does_not_build_is_refused():
    with pytest.raises(ValueError, match='allowed is above 0'):
        cost_of({**DECODER, 'body': {**DECODER['body'], 'depth': 0}}, ids(2))
    with pytest.raises(ValueError, match='heads=3 does not divide'):
        cost_of({**DECODER, 'mixer': {'kind': 'attention', 'heads': 3}}, ids(2))
