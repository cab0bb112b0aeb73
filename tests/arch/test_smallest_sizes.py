"""Smallest sizes: a share of the channels is at least one of them, and a part of no size is left out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arch.context import Context
from arch.mixers.continuous_position_bias import log_spaced
from arch.mixers.gated_linear_attention import GatedLinearAttention
from arch.mixers.gated_recurrence import GatedRecurrence
from arch.model_sockets import Sockets
from arch.positions import Rotary
from arch.probe import PLAIN
from arch.sockets import TABLES

X = jax.ShapeDtypeStruct((2, 4, 6), jnp.float32)
MAP = jax.ShapeDtypeStruct((2, 4, 6, 6), jnp.float32)
SHARE = 0.01
"""Of six channels it is hardly any."""


def drawn(family, spec, x=X, causal=False, around=None, **given):
    """The shapes of a block's parameters."""
    block = Sockets({**PLAIN, **(around or {}), family: spec}, TABLES).make(family, name=None, features=6, **given)
    return jax.eval_shape(lambda x: block.init(jax.random.key(0), x, Context(causal=causal)), x).get('params', {})


@pytest.mark.parametrize(
    ('family', 'spec', 'path', 'shape'),
    [
        ('channel', {'kind': 'mlp', 'ratio': SHARE}, ('up', 'kernel'), (6, 1)),
        ('channel', {'kind': 'gated', 'ratio': SHARE}, ('gate', 'kernel'), (6, 1)),
        ('channel', {'kind': 'global_response_mlp', 'ratio': SHARE}, ('down', 'kernel'), (1, 6)),
        ('channel', {'kind': 'channel_gated_mlp', 'ratio': SHARE}, ('gate', 'down', 'kernel'), (1, 1)),
        ('channel', {'kind': 'channel_gated_mlp', 'ratio': 1.0, 'squeeze': SHARE}, ('gate', 'down', 'kernel'), (6, 1)),
        ('channel', {'kind': 'kolmogorov_arnold', 'ratio': SHARE}, ('up', 'plain', 'kernel'), (6, 1)),
        ('channel', {'kind': 'shifted_mlp', 'ratio': SHARE}, ('up', 'kernel'), (6, 1)),
        ('channel', {'kind': 'mixture_of_experts', 'ratio': SHARE}, ('up', 'kernel'), (4, 6, 1)),
        ('mixer', {'kind': 'token_mlp', 'ratio': SHARE}, ('up', 'kernel'), (4, 1)),
        ('mixer', {'kind': 'separable_conv', 'expand': SHARE}, ('up', 'kernel'), (6, 1)),
        ('mixer', {'kind': 'selective_state_space', 'expand': SHARE}, ('up', 'kernel'), (6, 1)),
        ('mixer', {'kind': 'state_space_duality', 'expand': SHARE, 'heads': 1}, ('gate', 'kernel'), (6, 1)),
        ('mixer', {'kind': 'gated_recurrence', 'expand': SHARE, 'heads': 2}, ('up', 'kernel'), (6, 2)),
        ('block', {'kind': 'bottleneck', 'ratio': SHARE}, ('reduce', 'kernel'), (6, 1)),
        ('block', {'kind': 'mixer_first', 'ratio': SHARE}, ('up', 'kernel'), (6, 1)),
        ('block', {'kind': 'inverted_bottleneck', 'ratio': SHARE}, ('expand', 'kernel'), (6, 1)),
        ('head', {'kind': 'mlp_classifier', 'ratio': SHARE}, ('hidden', 'kernel'), (6, 1)),
    ],
    ids=lambda value: value['kind'] if isinstance(value, dict) else '',
)
def test_a_share_of_the_channels_is_at_least_one(family, spec, path, shape):
    leaf = drawn(family, spec)
    for name in path:
        leaf = leaf[name]
    assert leaf.shape == shape


def test_heads_have_at_least_a_channel_each_and_widths_are_rounded_to_heads():
    assert [GatedRecurrence(heads=4, expand=expand).features(8) for expand in (SHARE, 1.0, 4 / 3, 1.6)] == [4, 8, 12, 12]
    assert [GatedLinearAttention(None, key_ratio=ratio).narrow(6) for ratio in (SHARE, 0.5, 1.0)] == [1, 3, 6]


@pytest.mark.parametrize(
    ('kind', 'width', 'stride', 'changes'),
    [
        ('in_block', 6, 1, False),
        ('in_block', 5, 1, True),
        ('in_block', 6, 2, True),
        ('in_block_alone', 6, 1, False),
        ('in_block_alone', 5, 1, True),
        ('in_block_alone', 6, 2, True),
    ],
)
def test_a_shortcut_is_x_itself_where_neither_width_nor_resolution_changes(kind, width, stride, changes):
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 4, 6, width)), jnp.float32)
    block = Sockets({**PLAIN, 'downsample': {'kind': kind}}, TABLES).make('downsample', name=None, features=6, stride=stride)
    made = jax.eval_shape(lambda x: block.init_with_output(jax.random.key(0), x, Context()), x)
    assert made[0].shape == (2, 4 // stride, 6 // stride, 6)
    assert ('params' in made[1]) == (changes and kind == 'in_block')
    if not changes:
        np.testing.assert_array_equal(block.apply({}, x, Context()), x)


def test_a_stride_is_the_bodys_or_else_the_factor():
    for given, step in (({}, 2), ({'stride': 3}, 3), ({'stride': 0}, 2)):
        block = Sockets({**PLAIN, 'downsample': {'kind': 'in_block'}}, TABLES).make(
            'downsample', name=None, features=6, **given
        )
        assert block.step == step
    assert [block.stride_of(stage) for stage in (0, 1, 2)] == [1, 0, 0]


@pytest.mark.parametrize('kind', ['bottleneck', 'mixer_first', 'inverted_bottleneck'])
@pytest.mark.parametrize('mixer', [{'kind': 'pool'}, {'kind': 'conv', 'kernel': 3}], ids=lambda spec: spec['kind'])
def test_a_mixer_that_keeps_all_positions_is_followed_by_the_stride(kind, mixer):
    block = Sockets({**PLAIN, 'mixer': mixer, 'block': {'kind': kind}}, TABLES).make('block', name=None, features=6)
    y = jax.eval_shape(
        lambda x: block.init_with_output(jax.random.key(0), x, Context(), shortcut=lambda x, context: x[:, ::2, ::2], stride=2)[
            0
        ],
        MAP,
    )
    assert y.shape == (2, 2, 3, 6)


def test_one_pair_turns_as_it_is_whatever_the_stretch():
    assert Rotary(stretch=4.0, stretched='base').turns(1)[0].tolist() == [1.0]
    assert Rotary(stretch=4.0).turns(1)[0].tolist() == [0.25]


def test_a_window_of_one_position_has_one_step():
    assert log_spaced(1, 1).tolist() == [[0.0, 0.0]]
    np.testing.assert_allclose(log_spaced(2, 2)[-1], [np.log2(9) / 3] * 2, rtol=1e-6)


@pytest.mark.parametrize(
    ('fields', 'said'),
    [
        ({'streams': 1}, 'streams=1 is given, allowed is 2 or more; raise streams'),
        ({'steps': 0}, 'steps=0 is given, allowed is 1 or more; raise steps'),
        ({'streams': 2, 'steps': 1}, ''),
    ],
)
def test_streams_that_are_mixed_are_two_or_more(fields, said):
    spec = {'kind': 'manifold_hyper_connections', **fields}
    rule = Sockets({**PLAIN, 'residual': spec}, TABLES).make('residual', name=None)
    if said:
        with pytest.raises(ValueError, match=f"residual 'manifold_hyper_connections': {said}"):
            rule.enter(jnp.zeros((1, 2, 6)))
    else:
        assert rule.enter(jnp.zeros((1, 2, 6))).shape == (1, 2, 2, 6)
