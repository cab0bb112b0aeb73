"""Mixture of experts against a loop over positions and their choices; its losses, its costs and its two ways."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rounding import assert_same_numbers

from ablations.tasks.bases import decoder
from arch.context import Context
from arch.cost import cost
from arch.initials import LecunNormal
from arch.model import build
from arch.model_sockets import Sockets
from arch.ops.lowering import lowering
from arch.probe import PLAIN
from arch.sockets import TABLES

GENERATOR = np.random.default_rng(0)
KIND = 'mixture_of_experts'
SEQUENCE = GENERATOR.normal(size=(2, 7, 6)).astype(np.float32)
MAP = GENERATOR.normal(size=(2, 3, 4, 6)).astype(np.float32)
RELU = {'activation': {'kind': 'relu'}}
ROUNDINGS = 60
"""A slope: forward over 6 and 9 channels and 4 shares, back over as many, and a sum over 14 positions."""


def matrix(*shape):
    return GENERATOR.normal(size=shape).astype(np.float32) / 2


PARAMS = {'router': {'kernel': matrix(6, 4)}, 'up': {'kernel': matrix(4, 6, 9)}, 'down': {'kernel': matrix(4, 9, 6)}}


def routed(x):
    """Logits and shares of every position, in float64."""
    logits = x.reshape(-1, 6).astype(np.float64) @ PARAMS['router']['kernel']
    return logits, np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)


def formula(x, top):
    """One position and one of its choices at a time."""
    y = np.zeros((x.size // 6, 6))
    for place, (token, share) in enumerate(zip(x.reshape(-1, 6).astype(np.float64), routed(x)[1], strict=True)):
        chosen = sorted(range(4), key=lambda e, share=share: -share[e])[:top]
        whole = sum(share[e] for e in chosen) if top > 1 else 1.0
        for e in chosen:
            hidden = np.maximum(token @ PARAMS['up']['kernel'][e], 0)
            y[place] += share[e] / whole * (hidden @ PARAMS['down']['kernel'][e])
    return y.reshape(x.shape)


def module(**fields):
    return Sockets({**PLAIN, **RELU, 'channel': {'kind': KIND, 'ratio': 1.5, **fields}}, TABLES).make('channel', name=None)


@pytest.mark.parametrize('way', ['auto', 'reference'])
@pytest.mark.parametrize(('x', 'top'), [(SEQUENCE, 1), (SEQUENCE, 2), (MAP, 3), (MAP, 4)])
def test_formula(alone, x, top, way):
    with lowering(way):
        y = alone('channel', KIND, {'ratio': 1.5, 'top': top}, PARAMS, x, around=RELU)
    np.testing.assert_allclose(y, formula(x, top), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('way', ['auto', 'reference'])
def test_no_position_is_dropped_where_all_choose_one_expert(alone, way):
    x = np.broadcast_to(SEQUENCE[:1, :1], (2, 20, 6))
    with lowering(way):
        y = alone('channel', KIND, {'ratio': 1.5, 'top': 1}, PARAMS, x, around=RELU)
    np.testing.assert_allclose(y, formula(x, 1), rtol=1e-5, atol=1e-5)
    assert np.abs(y).min() > 0


@pytest.mark.parametrize('top', [1, 2])
def test_losses_for_balance_and_small_logits(top):
    _, changed = module(top=top, balance=0.5, router_z=0.25).apply(
        {'params': PARAMS}, jnp.asarray(SEQUENCE), Context(), mutable=['aux']
    )
    logits, shares = routed(SEQUENCE)
    choices = np.argsort(-shares, -1)[:, :top]
    fell = [np.mean([e in row for row in choices]) / top for e in range(4)]
    balance = sum(4 * fell[e] * np.mean([row[e] for row in shares]) for e in range(4))
    size = np.mean([np.log(np.exp(row).sum()) ** 2 for row in logits])
    losses = {name: float(value[0]) for name, value in changed['aux'].items()}
    assert losses == pytest.approx({'expert_balance': 0.5 * balance, 'router_z': 0.25 * size}, rel=1e-5)


def test_a_weight_of_0_leaves_a_loss_out():
    _, changed = module(balance=0.0).apply({'params': PARAMS}, jnp.asarray(SEQUENCE), Context(), mutable=['aux'])
    assert set(changed['aux']) == {'router_z'}


def slopes(params, x, way):
    """Gradients of one number made of the output and of both losses."""

    def loss(params):
        y, changed = module(top=2).apply({'params': params}, x, Context(), mutable=['aux'])
        return jnp.sin(y).sum() + sum(value[0] for value in changed['aux'].values())

    with lowering(way):
        return jax.grad(loss)(params)


def test_both_ways_have_the_same_gradient_and_every_expert_has_one():
    params, x = jax.tree.map(jnp.asarray, PARAMS), jnp.asarray(SEQUENCE)
    dense, sorted_ = (jax.jit(slopes, static_argnums=2)(params, x, way) for way in ('auto', 'reference'))
    assert_same_numbers(dense, sorted_, ROUNDINGS)
    for name in ('up', 'down'):
        assert (np.abs(dense[name]['kernel']).max((1, 2)) > 1e-3).all()
    assert (np.abs(dense['router']['kernel']).max(0) > 1e-4).all()


def test_sorted_lanes_are_runs_of_their_own():
    lanes = jax.tree.map(lambda leaf: jnp.stack([leaf, -leaf, leaf / 2]), PARAMS)
    inputs = jnp.stack([SEQUENCE, SEQUENCE[::-1], 2 * SEQUENCE])
    together = jax.jit(jax.vmap(lambda params, x: slopes(params, x, 'reference')))(lanes, inputs)
    alone = jax.jit(lambda params, x: slopes(params, x, 'reference'))
    for lane in range(3):
        own = alone(jax.tree.map(lambda leaf, lane=lane: leaf[lane], lanes), inputs[lane])
        assert_same_numbers(own, jax.tree.map(lambda leaf, lane=lane: leaf[lane], together), ROUNDINGS)


def test_each_expert_is_drawn_by_its_own_fan_in_and_ends_its_branch():
    x = jnp.zeros((1, 1, 64))
    params = jax.jit(lambda key: module(ratio=4.0).init(key, x, Context(initial=LecunNormal('zero'))))(jax.random.key(0))
    up, down, router = (np.asarray(params['params'][name]['kernel']) for name in ('up', 'down', 'router'))
    assert up.shape == (4, 64, 256) and router.shape == (64, 4)
    np.testing.assert_allclose(up.std((1, 2)), np.full(4, 64**-0.5), rtol=0.03)
    assert np.abs(up[0] - up[1]).max() > 0.1
    assert not down.any() and router.any()


def model(depth=2, over_depth='loop', **fields):
    config = decoder(vocabulary=5, length=6, width=8, depth=depth, mixer={'kind': 'identity'}, ratio=2.0)
    body = {**config['body'], 'over_depth': over_depth}
    return build({**config, 'body': body, 'channel': {'kind': KIND, 'ratio': 2.0, **fields}})


@pytest.mark.parametrize('over_depth', ['loop', 'scan'])
def test_the_losses_of_all_blocks_reach_the_model(over_depth):
    """A router of zeros shares alike: E sum f / E is 1, and the logits' sum is log E."""
    made, ids = model(over_depth=over_depth), jnp.zeros((2, 6), jnp.int32)

    @jax.jit
    def losses(key, tuned):
        params, state = made.init(key, ids, {})
        alike = jax.tree_util.tree_map_with_path(lambda path, leaf: leaf * float('router' not in str(path)), params)
        return [made.apply(alike, state, ids, knobs=knobs, key=key, train=True)[2] for knobs in ({}, tuned)]

    of_fields, of_knobs = losses(jax.random.key(0), {'expert_balance': 0.5, 'router_z': 0.0})
    values = {name: float(value) for name, value in of_fields.items()}
    assert values == pytest.approx({'expert_balance': 2 * 0.01, 'router_z': 2 * 0.001 * np.log(4) ** 2}, rel=1e-5)
    assert {name: float(value) for name, value in of_knobs.items()} == pytest.approx({'expert_balance': 1.0, 'router_z': 0.0})


def test_costs_are_those_of_the_chosen_experts():
    counts = cost(model(depth=1, experts=4, top=2), jax.ShapeDtypeStruct((2, 6), jnp.int32))
    assert counts['params_by_role']['matrix'] == 8 * 4 + 4 * 2 * 8 * 16
    assert counts['macs_by_role'] == {'matrix': 6 * (8 * 4 + 2 * 2 * 8 * 16), 'head': 6 * 8 * 5}
    assert counts['flops_by_role'] == {'matrix': 2 * 2 * 3 * counts['macs_by_role']['matrix'], 'head': 2 * 2 * 3 * 6 * 8 * 5}
    more = cost(model(depth=1, experts=8, top=2), jax.ShapeDtypeStruct((2, 6), jnp.int32))
    assert more['macs'] == counts['macs'] + 6 * 8 * 4


@pytest.mark.parametrize(
    ('fields', 'message'),
    [
        ({'top': 5}, 'top=5 is above experts=4; allowed: 1 to 4; lower top or raise experts'),
        ({'experts': 0}, 'experts=0 is given, allowed is above 0; raise experts'),
        ({'top': 0}, 'top=0 is given, allowed is above 0'),
        ({'ratio': -1.0}, 'ratio=-1.0 is given, allowed is above 0'),
        ({'balance': -0.1}, 'balance=-0.1 is given, allowed is 0 or above; raise balance'),
    ],
)
def test_numbers_that_no_mixture_can_have(alone, fields, message):
    with pytest.raises(ValueError, match=f"channel 'mixture_of_experts': {message}"):
        alone('channel', KIND, fields, {}, SEQUENCE)
