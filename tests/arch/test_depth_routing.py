"""Mixture of depths: which positions go through the layer, what they become, the loss of the scores, and rotations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arch.context import Context
from arch.contracts import check
from arch.depth_routing import largest, placed, spread
from arch.model_sockets import Sockets
from arch.positions import Rotary
from arch.probe import PLAIN
from arch.sockets import TABLES

GENERATOR = np.random.default_rng(0)
B, N, C = 2, 7, 4
X = GENERATOR.normal(size=(B, N, C)).astype(np.float32)
AROUND = {'mixer': {'kind': 'depthwise_conv', 'kernel': 3, 'bias': False}, 'channel': {'kind': 'mlp', 'ratio': 1.0}}


def normal(*shape):
    return GENERATOR.normal(size=shape).astype(np.float32)


LAYER = {
    'mixer': {'depthwise': {'kernel': normal(3, C)}},
    **{f'norm_{family}': {'scale': normal(C), 'bias': normal(C)} for family in ('mixer', 'channel')},
    'channel': {name: {'kernel': normal(C, C), 'bias': normal(C)} for name in ('up', 'down')},
}
ROUTER = {'kernel': normal(C, 1), 'bias': np.zeros(1, np.float32)}


def routed(alone, x, capacity, causal, **fields):
    fields = {'capacity': capacity, **fields}
    return alone('block', 'mixture_of_depths', fields, {**LAYER, 'router': ROUTER}, x, features=C, causal=causal, around=AROUND)


@pytest.mark.parametrize('causal', [True, False])
def test_taken_positions_alone_go_through_the_layer(alone, causal):
    y, scores, counts = routed(alone, X, 3 / 7, causal), (X @ ROUTER['kernel'])[..., 0], []
    for b in range(B):
        if causal:
            taken = [n for n in range(N) if scores[b, n] > 0][:3]
        else:
            taken = sorted(np.argsort(-scores[b])[:3])
        counts.append(len(taken))
        inner = alone('block', 'two_branch', {}, LAYER, X[b : b + 1, taken], causal=causal, around=AROUND)
        expected = X[b].copy()
        expected[taken] += (inner[0] - X[b, taken]) / (1 + np.exp(-scores[b, taken]))[:, None]
        np.testing.assert_allclose(y[b], expected, rtol=1e-4, atol=1e-5)
    assert max(counts) == 3


def test_all_positions_with_the_largest_scores_of_all_are_the_whole_layer(alone):
    inner = alone('block', 'two_branch', {}, LAYER, X, around=AROUND)
    shares = 1 / (1 + np.exp(-X @ ROUTER['kernel']))
    np.testing.assert_allclose(routed(alone, X, 1.0, False), X + shares * (inner - X), rtol=1e-4, atol=1e-5)


def test_the_loss_pulls_the_largest_scores_above_zero_and_others_below():
    sockets = Sockets({**PLAIN, **AROUND, 'block': {'kind': 'mixture_of_depths', 'predict': 0.5, 'capacity': 2 / 7}}, TABLES)
    block = sockets.make('block', name=None, features=C)
    params = jax.tree.map(jnp.asarray, {**LAYER, 'router': ROUTER})
    run = jax.jit(
        lambda causal: block.apply({'params': params}, X, Context(causal=causal), mutable=['aux'])[1], static_argnums=0
    )
    scores, total = (X @ ROUTER['kernel'])[..., 0].astype(np.float64), 0
    for b in range(B):
        among = np.isin(np.arange(N), np.argsort(-scores[b])[:2])
        total -= np.log(1 / (1 + np.exp(-np.where(among, scores[b], -scores[b])))).sum()
    np.testing.assert_allclose(run(True)['aux']['depth_router'][0], 0.5 * total / (B * N), rtol=1e-5)
    assert run(False) == {}


def test_taken_positions_turn_by_where_they_stand():
    part, taken = jnp.asarray(normal(1, 2, 1, 4)), jnp.asarray([[1, 5]])
    turned = placed(Rotary().rotation, taken, 6)(part, (2,))
    whole = Rotary().rotation(spread(part, taken, 6), (6,))
    np.testing.assert_array_equal(turned[0], whole[0, jnp.asarray([1, 5])])
    assert not np.allclose(turned, Rotary().rotation(part, (2,)))


def test_a_causal_model_sees_nothing_later_and_by_the_largest_scores_it_would(monkeypatch):
    """The contract on whole models, which also finds the leak that the kind avoids."""

    def leaks():
        return [rule.why for rule in check('block', 'mixture_of_depths', rules=['whole'], lines=1) if not rule.holds]

    def of_all(scores, count):
        return largest(scores, count), jnp.ones((len(scores), count), bool)

    assert leaks() == []
    monkeypatch.setattr('arch.depth_routing.first_come', of_all)
    assert 'sees what comes from token' in leaks()[0]


@pytest.mark.parametrize(
    ('fields', 'context', 'why'),
    [
        ({'capacity': 0.0}, {}, 'capacity=0 is given; allowed: above 0 and at most 1'),
        ({'predict': -1.0}, {}, 'predict=-1 is given; allowed: 0 or above'),
        ({}, {'bias': lambda steps, heads: steps}, 'a bias by distance does not know which positions were taken'),
    ],
)
def test_refused(alone, fields, context, why):
    with pytest.raises(ValueError, match=why):
        alone('block', 'mixture_of_depths', fields, {}, X, features=C, around=AROUND, **context)
