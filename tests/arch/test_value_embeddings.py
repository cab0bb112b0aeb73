"""Value embeddings: their formula in numpy, their tables and gains, one table for all layers, and where they are refused."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arch.branch import Branch
from arch.config import complete
from arch.context import Context
from arch.contracts.whole import difference
from arch.model import build
from arch.model_sockets import Sockets
from arch.probe import PLAIN, started
from arch.sockets import TABLES

V, HEADS, SIZE = 5, 2, 3
GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(2, 4, HEADS * SIZE)).astype(np.float32)
IDS = np.int32([[0, 1, 4, 1], [3, 3, 2, 0]])
KINDS = ('value_embeddings', 'shared_value_embeddings')
BRANCH = Branch(
    lambda y, context: 2.0 * y,
    lambda y, context: y - 1.0,
    lambda y, context: jnp.tanh(context.values(y.reshape(2, 4, HEADS, SIZE)).reshape(y.shape)),
)


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('gains', ['layer', 'head'])
def test_formula(kind, gains):
    spec = {'kind': kind, 'gains': gains}
    sockets = Sockets({**PLAIN, 'residual': spec, 'stem': {'kind': 'tokens', 'vocabulary': V}}, TABLES)
    rule, context = sockets.make('residual', name=None), Context(ids=jnp.asarray(IDS))
    table = GENERATOR.normal(size=(V, HEADS * SIZE)).astype(np.float32)
    gain = np.float32([0.5, -2.0][: 1 if gains == 'layer' else HEADS])
    params = {'embedding': table, 'gain': gain}
    stream = jax.jit(lambda params, x: rule.apply({'params': params}, rule.enter(x), BRANCH, context))(params, X)
    values = (2.0 * X - 1).reshape(2, 4, HEADS, SIZE) + gain[:, None] * table[IDS].reshape(2, 4, HEADS, SIZE)
    np.testing.assert_allclose(rule.leave(stream, context, ''), X + np.tanh(values).reshape(X.shape), rtol=1e-5, atol=1e-5)
    if rule.STREAMS:
        np.testing.assert_array_equal(stream[1], table[IDS])
        again = rule.apply({'params': {'gain': gain}}, stream, BRANCH, context)
        assert (again[1] == stream[1]).all()


ATTENTION = {'kind': 'attention', 'heads': 4}
GROUPED = {'kind': 'grouped_query_attention', 'heads': 4, 'kv_heads': 2}


def decoder(residual, mixer=GROUPED, **others):
    body = {'kind': 'isotropic', 'width': 8, 'depth': 3, 'causal': True}
    stem, head = {'kind': 'tokens', 'vocabulary': V}, {'kind': 'next_token', 'outputs': V}
    own = {'body': body, 'stem': stem, 'head': head, 'channel': {'kind': 'mlp', 'ratio': 2.0}}
    return complete(**{**own, 'mixer': mixer, 'residual': residual, **others, 'body': {**body, **others.get('body', {})}})


def shapes(config):
    return jax.eval_shape(lambda: build(config).init(jax.random.key(0), jnp.asarray(IDS), {})[0])


@pytest.mark.parametrize(
    ('mixer', 'width', 'heads'), [(GROUPED, 4, 2), (ATTENTION, 8, 4), ({'kind': 'latent_attention'}, 16, 2)]
)
def test_rows_are_as_wide_as_the_values_and_tables_have_the_role_of_embeddings(mixer, width, heads):
    config = decoder({'kind': 'value_embeddings', 'gains': 'head'}, mixer)
    params = shapes(config)
    for number in range(3):
        own = params[f'block_{number}']['residual_mixer']
        assert {name: leaf.shape for name, leaf in own.items()} == {'embedding': (V, width), 'gain': (heads,)}
        assert 'residual_channel' not in params[f'block_{number}']
    assert build(config).roles(params)['block_2']['residual_mixer'] == {'embedding': 'embedding', 'gain': 'vector'}


def test_one_table_for_all_layers_is_that_of_the_first():
    params = shapes(decoder({'kind': 'shared_value_embeddings'}))
    assert [sorted(params[f'block_{number}']['residual_mixer']) for number in range(3)] == [
        ['embedding', 'gain'],
        *[['gain']] * 2,
    ]


def test_a_stack_gives_tables_to_some_layers_alone():
    params = shapes(decoder({'kind': 'pre'}, body={'stack': [{'residual': {'kind': 'value_embeddings'}}, {}]}))
    assert ['residual_mixer' in params[f'block_{number}'] for number in range(3)] == [True, False, True]


def test_gains_and_tables_start_as_said():
    config = decoder({'kind': 'value_embeddings', 'initial': 0.5}, initial={'kind': 'normal', 'deviation': 0.01})
    config['stem']['vocabulary'] = 500
    own = jax.jit(lambda: build(config).init(jax.random.key(0), jnp.asarray(IDS), {})[0]['block_1']['residual_mixer'])()
    assert np.asarray(own['gain']).tolist() == [0.5]
    assert abs(np.asarray(own['embedding']).std() - 0.01) < 0.001


@pytest.mark.parametrize('kind', KINDS)
def test_token_by_token_it_is_the_same_also_where_not_all_tokens_go_through(kind):
    blocks = {'block': {'kind': 'mixture_of_depths'}} if kind == 'value_embeddings' else {}
    model = build(decoder({'kind': kind}, {'kind': 'sliding_window_attention', 'heads': 2, 'window': 2}, **blocks))
    params, state = started(*jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.asarray(IDS), {})))
    assert difference(model, params, state, np.tile(IDS, 2), {}) == ''


def test_taken_tokens_have_their_own_rows():
    """A layer that takes the last two of three tokens adds the rows of these two."""
    config = decoder({'kind': 'value_embeddings'}, block={'kind': 'mixture_of_depths', 'capacity': 0.6}, body={'depth': 1})
    sockets = Sockets({**config, 'body': {**config['body']}}, TABLES)
    block = sockets.make('block', name=None)
    x = GENERATOR.normal(size=(1, 3, 8)).astype(np.float32)
    x[0, :, 0] = [-1, 1, 1]
    context = Context(causal=True, ids=jnp.int32([[0, 1, 2]]))
    drawn, _ = started(jax.eval_shape(lambda x: block.init(jax.random.key(0), x, context), x)['params'], {})
    drawn['router'] = {'kernel': np.eye(8, 1, dtype=np.float32), 'bias': np.zeros(1, np.float32)}

    @jax.jit
    def slope(params):
        return jax.grad(lambda params: (block.apply({'params': params}, jnp.asarray(x), context) ** 2).sum())(params)

    read = np.abs(slope(drawn)['residual_mixer']['embedding']).sum(1) > 0
    assert read.tolist() == [False, True, True, False, False]


def test_a_scan_has_a_table_for_each_layer():
    params = shapes(decoder({'kind': 'value_embeddings'}, body={'over_depth': 'scan'}))
    assert params['blocks_0']['residual_mixer']['embedding'].shape == (3, V, 4)


MAPS = {**PLAIN, 'mixer': ATTENTION, 'residual': {'kind': 'value_embeddings'}}


@pytest.mark.parametrize(
    ('config', 'why'),
    [
        (
            MAPS,
            "residual 'value_embeddings' has a row for every token .*stem 'patchify' has no table .*allowed with it: .*'pre'",
        ),
        (decoder({'kind': 'value_embeddings', 'gains': 'heads'}), r"gains='heads'; allowed: \['layer', 'head'\]; change gains"),
        (
            decoder({'kind': 'value_embeddings'}, {'kind': 'retention'}),
            "residual 'value_embeddings' mixes the values of attention; mixer 'retention' has none",
        ),
        (
            {
                **decoder({'kind': 'value_embeddings'}),
                'body': {'kind': 'perceiver', 'width': 8},
                'head': {'kind': 'classifier'},
            },
            r'each position needs a token, and there are none for values of \[2, 8\] positions; allowed: bodies',
        ),
        (
            decoder({'kind': 'shared_value_embeddings'}, body={'stack': [{}, {'mixer': ATTENTION}]}),
            'one table for all layers has rows of 4 numbers, and a layer has values of 8; allowed: values of one width',
        ),
    ],
)
def test_what_is_refused(config, why):
    with pytest.raises(ValueError, match=why):
        shapes(config)


def test_a_stem_that_makes_fewer_positions_is_refused():
    config = decoder({'kind': 'value_embeddings'}, body={'depth': 1})
    block = Sockets(config, TABLES).make('block', name=None)
    context = dataclasses.replace(Context(), ids=jnp.zeros((1, 6), jnp.int32))
    with pytest.raises(ValueError, match=r'there are \[1, 6\] for values of \[1, 3\] positions'):
        jax.eval_shape(lambda: block.init(jax.random.key(0), jnp.zeros((1, 3, 8)), context))
