"""The fields that all softmax attention shares, against their formulas in numpy, one query at a time."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arch.context import Context
from arch.model_sockets import Sockets
from arch.ops.lowering import lowering
from arch.probe import PLAIN
from arch.sockets import TABLES

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(2, 7, 6)).astype(np.float32)
HEADS, KV_HEADS, SIZE = 4, 2, 5
MIXERS = ('attention', 'grouped_query_attention', 'sliding_window_attention')


def matrix(*shape):
    return GENERATOR.normal(size=shape).astype(np.float32) / 2


PARAMS = {
    'query': {'kernel': matrix(6, HEADS * SIZE)},
    'key': {'kernel': matrix(6, KV_HEADS * SIZE)},
    'value': {'kernel': matrix(6, KV_HEADS * SIZE)},
    'output': {'kernel': matrix(HEADS * SIZE, 6)},
}
SINK = matrix(HEADS)
GATE = {'kernel': matrix(6, HEADS * SIZE)}
SCALES = {'query_norm': {'scale': matrix(HEADS * SIZE)}, 'key_norm': {'scale': matrix(KV_HEADS * SIZE)}}


def normed(x, scale):
    return scale * x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6)


def attended(softcap=0.0, sink=None, gate=False, joined=False, window=99):
    """The causal attention of `PARAMS` on X."""
    x = X.astype(np.float64)
    query, key, value = (x @ PARAMS[name]['kernel'] for name in ('query', 'key', 'value'))
    if joined:
        query, key = (normed(part, SCALES[name]['scale']) for name, part in (('query_norm', query), ('key_norm', key)))
    mixed = np.zeros((2, 7, HEADS * SIZE))
    for b, n, head in np.ndindex(2, 7, HEADS):
        own, other = (slice(at * SIZE, (at + 1) * SIZE) for at in (head, head * KV_HEADS // HEADS))
        seen = slice(max(0, n - window), n + 1)
        scores = key[b, seen, other] @ query[b, n, own] / np.sqrt(SIZE)
        weights = np.exp(softcap * np.tanh(scores / softcap) if softcap else scores)
        total = weights.sum() + (0 if sink is None else np.exp(sink[head]))
        mixed[b, n, own] = weights @ value[b, seen, other] / total
    if gate:
        mixed = mixed / (1 + np.exp(-(x @ GATE['kernel'])))
    return mixed @ PARAMS['output']['kernel']


FIELDS = {'heads': HEADS, 'kv_heads': KV_HEADS, 'head_size': SIZE, 'biases': 'none'}
CASES = {
    'sizes': ({}, {}, {}),
    'softcap': ({'softcap': 0.3}, {}, {'softcap': 0.3}),
    'one': ({'sink': 'one'}, {}, {'sink': np.zeros(HEADS)}),
    'learned': ({'sink': 'learned'}, {'shift': SINK}, {'sink': SINK}),
    'gate': ({'gate': True}, {'gate': GATE}, {'gate': True}),
}


@pytest.mark.parametrize('name', CASES)
def test_formula(alone, name):
    fields, params, told = CASES[name]
    y = alone('mixer', 'attention', {**FIELDS, **fields}, {**PARAMS, **params}, X, causal=True)
    np.testing.assert_allclose(y, attended(**told), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('form', ['reference', 'auto'])
@pytest.mark.parametrize('name', ['softcap', 'learned'])
def test_a_window_scores_as_all_of_attention_does(alone, name, form):
    fields, params, told = CASES[name]
    with lowering(form):
        given = {**FIELDS, **fields, 'window': 2}
        y = alone('mixer', 'sliding_window_attention', given, {**PARAMS, **params}, X, causal=True)
    np.testing.assert_allclose(y, attended(**told, window=2), rtol=1e-4, atol=1e-5)


def test_queries_and_keys_are_normed_side_by_side(alone):
    fields, around = {**FIELDS, 'norm_over': 'all'}, {'qk_norm': {'kind': 'rms_norm', 'eps': 1e-6}}
    y = alone('mixer', 'attention', fields, {**PARAMS, **SCALES}, X, causal=True, around=around)
    np.testing.assert_allclose(y, attended(joined=True), rtol=1e-4, atol=1e-5)


def test_a_learned_sink_starts_as_a_score_of_0():
    module = Sockets({**PLAIN, 'mixer': {'kind': 'attention', **FIELDS, 'sink': 'learned'}}, TABLES).make('mixer', name=None)
    params = module.init(jax.random.key(0), jnp.asarray(X), Context(causal=True))['params']
    np.testing.assert_array_equal(params['shift'], np.zeros(HEADS))


@pytest.mark.parametrize('kind', MIXERS)
@pytest.mark.parametrize(
    ('fields', 'said'),
    [
        ({'softcap': -1.0}, 'softcap=-1; allowed: 0 for none, or above'),
        ({'sink': 'two'}, r"sink='two'; allowed: \['none', 'one', 'learned'\]"),
        ({'norm_over': 'both'}, r"norm_over='both'; allowed: \['head', 'all'\]"),
        ({'kv_heads': 3, 'heads': 4}, 'kv_heads=3 does not divide heads=4'),
        ({'head_size': -1}, 'head_size=-1 is given'),
        ({'heads': 5}, 'heads=5 does not divide width=16'),
    ],
)
def test_bad_fields_are_refused(kind, fields, said):
    block = Sockets({**PLAIN, 'mixer': {'kind': kind, **fields}}, TABLES).make('mixer', name=None)
    with pytest.raises(ValueError, match=said):
        block.check(16, True)
