"""Grouped-query attention is attention whose heads have the same keys and values in a group."""

import numpy as np
import pytest

GENERATOR = np.random.default_rng(0)
SEQUENCE = GENERATOR.normal(size=(2, 5, 8)).astype(np.float32)
MAP = GENERATOR.normal(size=(2, 4, 3, 8)).astype(np.float32)
KIND = 'grouped_query_attention'


def projections(kv_heads, size=2):
    def product(outputs):
        return {'kernel': GENERATOR.normal(size=(8, outputs)).astype(np.float32) / 2}

    def biased(outputs):
        return {**product(outputs), 'bias': GENERATOR.normal(size=outputs).astype(np.float32)}

    return {'query': biased(8), 'key': product(kv_heads * size), 'value': biased(kv_heads * size), 'output': biased(8)}


def formula(x, params, kv_heads, causal):
    """One query of one head at a time; four heads of size two."""

    def project(name, x):
        return x @ params[name]['kernel'].astype(np.float64) + params[name].get('bias', 0)

    tokens = x.reshape(len(x), -1, 8).astype(np.float64)
    query, key, value = (project(name, tokens).reshape(*tokens.shape[:2], -1, 2) for name in ('query', 'key', 'value'))
    mixed = np.zeros((*tokens.shape[:2], 4, 2))
    for b, n, head in np.ndindex(*mixed.shape[:3]):
        last, group = n + 1 if causal else tokens.shape[1], head * kv_heads // 4
        weights = np.exp(key[b, :last, group] @ query[b, n, head] / np.sqrt(2))
        mixed[b, n, head] = weights @ value[b, :last, group] / weights.sum()
    return project('output', mixed.reshape(tokens.shape)).reshape(x.shape)


@pytest.mark.parametrize(
    ('x', 'causal'), [(SEQUENCE, False), (SEQUENCE, True), (MAP, False)], ids=['sequence', 'causal', 'map']
)
@pytest.mark.parametrize('kv_heads', [1, 2, 4])
def test_formula(alone, x, causal, kv_heads):
    params = projections(kv_heads)
    y = alone('mixer', KIND, {'heads': 4, 'kv_heads': kv_heads}, params, x, causal=causal)
    np.testing.assert_allclose(y, formula(x, params, kv_heads, causal), rtol=1e-4, atol=1e-4)


def test_as_many_keys_as_heads_is_attention(alone):
    params = projections(4)
    y = alone('mixer', KIND, {'heads': 4, 'kv_heads': 4}, params, SEQUENCE, causal=True)
    np.testing.assert_array_equal(y, alone('mixer', 'attention', {'heads': 4}, params, SEQUENCE, causal=True))


def test_keys_are_turned_before_they_are_shared(alone):
    turned = []

    def rotate(x, spatial):
        turned.append((x.shape, spatial))
        return x

    alone('mixer', KIND, {'heads': 4, 'kv_heads': 2}, projections(2), MAP, rotate=rotate)
    assert turned == [((2, 12, 4, 2), (4, 3)), ((2, 12, 2, 2), (4, 3))]


def test_sizes_that_do_not_divide(alone):
    with pytest.raises(ValueError, match=r'kv_heads=3 does not divide heads=4; allowed: \[1, 2, 4\]; change kv_heads or heads'):
        alone('mixer', KIND, {'heads': 4, 'kv_heads': 3}, {}, SEQUENCE)
    with pytest.raises(ValueError, match=r'heads=3 does not divide width=8; allowed: \[1, 2, 4, 8\]; change heads or width'):
        alone('mixer', KIND, {'heads': 3, 'kv_heads': 1}, {}, SEQUENCE)
