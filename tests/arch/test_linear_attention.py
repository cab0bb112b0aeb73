"""Linear attention against its recurrence, one token at a time, and against weights written out."""

import jax.numpy as jnp
import numpy as np
import pytest

from arch.positions import Rotary

GENERATOR = np.random.default_rng(0)
SEQUENCE = GENERATOR.normal(size=(2, 7, 8)).astype(np.float32)
MAP = GENERATOR.normal(size=(2, 3, 4, 8)).astype(np.float32)
KIND = 'linear_attention'
PARAMS = {
    name: {'kernel': GENERATOR.normal(size=(8, 8)).astype(np.float32) / 2, 'bias': GENERATOR.normal(size=8).astype(np.float32)}
    for name in ('query', 'value', 'output')
}
PARAMS['key'] = {'kernel': GENERATOR.normal(size=(8, 8)).astype(np.float32) / 2}


def project(name, x):
    return x @ PARAMS[name]['kernel'].astype(np.float64) + PARAMS[name].get('bias', 0)


def feature(x):
    return np.where(x > 0, x + 1, np.exp(x))


def heads(x):
    """Features of queries and keys, and values: each [B, N, 2 heads, 4]."""
    tokens = x.reshape(len(x), -1, 8).astype(np.float64)
    query, key, value = (project(name, tokens).reshape(*tokens.shape[:2], 2, 4) for name in ('query', 'key', 'value'))
    return feature(query), feature(key), value


def recurrence(x):
    """The state of each head is a matrix and a vector, to which every token adds."""
    query, key, value = heads(x)
    mixed = np.zeros(query.shape)
    for b, head in np.ndindex(len(x), 2):
        joint, total = np.zeros((4, 4)), np.zeros(4)
        for n in range(query.shape[1]):
            joint += np.outer(key[b, n, head], value[b, n, head])
            total += key[b, n, head]
            mixed[b, n, head] = query[b, n, head] @ joint / (query[b, n, head] @ total)
    return project('output', mixed.reshape(x.shape))


def weighted(x, turned=lambda y: y):
    """Every position over all: weights f(q) f(k), normalised before any turning."""
    query, key, value = heads(x)
    weights = np.einsum('bnkd,bmkd->bknm', turned(query), turned(key))
    total = np.einsum('bnkd,bmkd->bkn', query, key)
    return project('output', np.einsum('bknm,bmkd->bnkd', weights / total[..., None], value).reshape(x.shape))


def test_the_parallel_form_is_the_recurrence(alone):
    y = alone('mixer', KIND, {'heads': 2}, PARAMS, SEQUENCE, causal=True)
    np.testing.assert_allclose(y, recurrence(SEQUENCE), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('x', [SEQUENCE, MAP], ids=['sequence', 'map'])
def test_formula(alone, x):
    np.testing.assert_allclose(alone('mixer', KIND, {'heads': 2}, PARAMS, x), weighted(x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('causal', [False, True])
def test_positions_turn_the_weights_and_not_their_sum(alone, causal):
    def turned(y):
        return np.asarray(Rotary().rotation(jnp.asarray(y, jnp.float32), (7,)), np.float64)

    y = alone('mixer', KIND, {'heads': 2}, PARAMS, SEQUENCE, rotate=Rotary().rotation, causal=causal)
    expected = weighted(SEQUENCE, turned)
    rows = slice(-1, None) if causal else slice(None)  # the last token of a causal body sees all
    np.testing.assert_allclose(y[:, rows], expected[:, rows], rtol=1e-3, atol=1e-3)


def test_heads_divide_the_width(alone):
    with pytest.raises(ValueError, match=r"mixer 'linear_attention': heads=3 does not divide width=8; allowed: \[1, 2, 4, 8\]"):
        alone('mixer', KIND, {'heads': 3}, {}, SEQUENCE)
