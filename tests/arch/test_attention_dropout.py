"""Dropout of attention weights: which are left out, how far the others grow, the same by every lowering, and else nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rounding import assert_same_numbers

from ablations.knobs import KNOBS
from arch.context import Context
from arch.mixers.dropout import dropout
from arch.model import build
from arch.model_sockets import Sockets
from arch.ops.attend import Scoring, attend, attend_near
from arch.ops.lowering import lowering
from arch.probe import PLAIN
from arch.sockets import TABLES

GENERATOR = np.random.default_rng(0)
X, MAP = GENERATOR.normal(size=(2, 7, 8)).astype(np.float32), GENERATOR.normal(size=(2, 4, 8, 8)).astype(np.float32)
READING = ('attention', 'grouped_query_attention', 'sliding_window_attention', 'shifted_window_attention')
KEY = jax.random.key(1)


def test_these_kinds_read_it_and_others_do_not():
    assert tuple(kind for kind, cls in TABLES['mixer'].items() if 'attention_dropout' in cls.KNOBS) == READING
    assert 1.0 in KNOBS['attention_dropout'].bounds and 1.1 not in KNOBS['attention_dropout'].bounds


def mixed(kind, rate, train=True, key=KEY, kinds=None):
    """The mixer on an input, whose values are all 1, so that each output is a sum of weights."""
    x = MAP if kind == 'shifted_window_attention' else X
    fields = {'heads': 4, **(kinds or {})} if 'heads' in TABLES['mixer'][kind].__dataclass_fields__ else {}
    module = Sockets({**PLAIN, 'mixer': {'kind': kind, **fields}}, TABLES).make('mixer', name=None)
    knobs = {} if rate is None else {'attention_dropout': jnp.float32(rate)}
    params = module.init(jax.random.key(0), jnp.asarray(x), Context())['params']
    params['output']['kernel'] = jnp.eye(8)
    context = Context(train=train, knobs=knobs, layer=1, depth=2, values=jnp.ones_like)
    apply = jax.jit(lambda params, x: module.apply({'params': params}, x, context, rngs={'noise': key}))
    return np.asarray(apply(params, jnp.asarray(x)))


@pytest.mark.parametrize('kind', READING)
def test_it_acts_in_training_alone_and_where_a_run_sets_it(kind):
    ones = mixed(kind, None)
    np.testing.assert_allclose(ones, 1, rtol=1e-5)
    for rate, train in ((0.0, True), (0.5, False)):
        np.testing.assert_array_equal(mixed(kind, rate, train), ones)
    half = mixed(kind, 0.5)
    assert np.ptp(half) > 0.5 and abs(half.mean() - 1) < 0.2
    assert (mixed(kind, 0.5, key=jax.random.key(2)) != half).any()
    assert (mixed(kind, 1.0) == 0).all()


def program(knobs, train=True):
    return str(
        jax.make_jaxpr(
            lambda x: (
                Sockets({**PLAIN, 'mixer': {'kind': 'attention'}}, TABLES)
                .make('mixer', name=None)
                .init_with_output({'params': KEY, 'noise': KEY}, x, Context(train=train, knobs=knobs))[0]
            )
        )(X)
    )


def test_without_the_knob_the_program_is_the_one_outside_training():
    assert program({}) == program({}, train=False) != program({'attention_dropout': jnp.float32(0.1)})
    assert program({'attention_dropout': jnp.float32(0.1)}, train=False) == program({})


class Reads:
    KNOBS = {'attention_dropout': 0.0}

    def make_rng(self, stream):
        assert stream == 'noise'
        return KEY


class Other(Reads):
    KNOBS = {}


def context(rate):
    return Context(train=True, knobs={'attention_dropout': jnp.float32(rate)})


def test_every_weight_is_left_out_alone_at_the_rate_and_the_others_make_up_for_it():
    factors = np.asarray(dropout(Reads(), context(0.2))((3, 4, 50, 50)))
    assert set(np.unique(factors)) == {np.float32(0), np.float32(1.25)}
    assert abs(factors.mean() - 1) < 0.02
    for axes in ((0, 1, 2), (0, 1, 3)):
        assert (np.abs(factors.mean(axes) - 1) < 0.1).all()
    assert np.isfinite(np.asarray(dropout(Reads(), context(1.0))((2, 2)))).all()
    assert dropout(Other(), context(0.2)) is None


@pytest.mark.parametrize('sink', [None, np.float32([0.5, -1.0])])
def test_weights_are_left_out_behind_the_softmax(sink):
    query, key, value = GENERATOR.normal(size=(3, 2, 5, 2, 4)).astype(np.float32)
    factors = GENERATOR.integers(2, size=(2, 2, 5, 5)).astype(np.float32) * 2
    y = jax.jit(lambda *parts: attend(*parts, scoring=Scoring(sink=sink, dropped=lambda shape: factors)))(query, key, value)
    weights = np.exp(np.einsum('bnkd,bmkd->bknm', query, key) / 2)
    total = weights.sum(-1, keepdims=True) + (0 if sink is None else np.exp(sink)[None, :, None, None])
    expected = np.einsum('bknm,bmkd->bnkd', weights / total * factors, value)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ('spatial', 'window', 'causal'), [((7,), 2, True), ((7,), 2, False), ((3, 4), 1, False), ((5,), 9, True)]
)
def test_every_lowering_leaves_out_the_same_weights(spatial, window, causal):
    parts = jnp.asarray(GENERATOR.normal(size=(3, 2, int(np.prod(spatial)), 2, 4)), jnp.float32)

    def run(way):
        def near(*parts):
            scoring = Scoring(dropped=dropout(Reads(), context(0.5)))
            return attend_near(*parts, spatial, window, causal, scoring=scoring)

        with lowering(way):
            return jax.jit(
                lambda *parts: (near(*parts), jax.grad(lambda *parts: (near(*parts) ** 2).sum(), (0, 1, 2))(*parts))
            )(*parts)

    # Scores over 4 channels and weights over at most 12 positions, there and back.
    assert_same_numbers(run('auto'), run('reference'), 30)


def test_a_model_of_attention_has_it_as_a_knob_with_nothing_left_out():
    attends = build({**PLAIN, 'mixer': {'kind': 'side_by_side'}})
    assert attends.knobs['attention_dropout'] == 0.0
    assert 'attention_dropout' not in build(PLAIN).knobs
