"""Differential and latent attention and Fourier mixing, against their formulas in numpy."""

import numpy as np
import pytest

from arch.contracts import check
from arch.mixers.latent_attention import LatentAttention
from arch.sockets import TABLES

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(2, 5, 8)).astype(np.float32)
MAP = GENERATOR.normal(size=(2, 4, 3, 8)).astype(np.float32)


def normal(*shape):
    return GENERATOR.normal(size=shape).astype(np.float32)


def kernel(*shape):
    return {'kernel': normal(*shape) / 2}


def normed(x, scale):
    return scale * x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6)


def softmax(query, key):
    """The causal weights of one head: queries and keys [N, D]."""
    scores = np.exp(query @ key.T / np.sqrt(query.shape[-1])) * np.tril(np.ones((len(query), len(key))))
    return scores / scores.sum(-1, keepdims=True)


def test_differential_attention(alone):
    params = {name: kernel(8, 8) for name in ('query', 'key', 'value', 'output')}
    params |= {'norm': {'scale': normal(4)}, 'shift': normal(4, 2)}
    y = alone('mixer', 'differential_attention', {'heads': 2}, params, X, causal=True, layer=3)
    x = X.astype(np.float64)
    query, key = (np.reshape(x @ params[name]['kernel'], (2, 5, 4, 2)) for name in ('query', 'key'))
    value, (a1, b1, a2, b2) = np.reshape(x @ params['value']['kernel'], (2, 5, 2, 4)), params['shift']
    start = 0.8 - 0.6 * np.exp(-0.3 * 3)
    share, mixed = np.exp(a1 @ b1) - np.exp(a2 @ b2) + start, np.zeros((2, 5, 2, 4))
    for b, head in np.ndindex(2, 2):
        first, second = (softmax(query[b, :, at], key[b, :, at]) for at in (2 * head, 2 * head + 1))
        mixed[b, :, head] = (first - share * second) @ value[b, :, head]
    mixed = (1 - start) * normed(mixed, params['norm']['scale'])
    np.testing.assert_allclose(y, mixed.reshape(2, 5, 8) @ params['output']['kernel'], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(('query_latent', 'value_size'), [(0, 0), (7, 4)])
def test_latent_attention(alone, query_latent, value_size):
    many = value_size or 3
    sizes = {
        'query': (query_latent or 8, 2 * 5),
        'latent': (8, 4),
        'key': (4, 2 * 3),
        'value': (4, 2 * many),
        'key_turned': (8, 2),
        'output': (2 * many, 8),
    }
    if query_latent:
        sizes['query_latent'] = (8, query_latent)
    params = {name: kernel(*shape) for name, shape in sizes.items()} | {'norm': {'scale': normal(4)}}
    if query_latent:
        params['query_latent_norm'] = {'scale': normal(query_latent)}
    fields = {'heads': 2, 'head_size': 3, 'turned': 2, 'latent': 4, 'query_latent': query_latent, 'value_size': value_size}

    def rotate(x, spatial):
        return 2.0 * x

    y = alone('mixer', 'latent_attention', fields, params, X, causal=True, rotate=rotate)
    x = X.astype(np.float64)
    latent = normed(x @ params['latent']['kernel'], params['norm']['scale'])
    asked = x
    if query_latent:
        asked = normed(x @ params['query_latent']['kernel'], params['query_latent_norm']['scale'])
    query, mixed = np.reshape(asked @ params['query']['kernel'], (2, 5, 2, 5)), np.zeros((2, 5, 2, many))
    key, value = (np.reshape(latent @ params[name]['kernel'], (2, 5, 2, -1)) for name in ('key', 'value'))
    turned = 2.0 * (x @ params['key_turned']['kernel'])
    for b, head in np.ndindex(2, 2):
        whole = np.concatenate([query[b, :, head, :3], 2.0 * query[b, :, head, 3:]], -1)
        mixed[b, :, head] = softmax(whole, np.concatenate([key[b, :, head], turned[b]], -1)) @ value[b, :, head]
    np.testing.assert_allclose(y, mixed.reshape(2, 5, -1) @ params['output']['kernel'], rtol=1e-3, atol=1e-4)


class AsInDeepSeek(LatentAttention):
    """Queries of a latent too, and values of a size of their own. `[B, N, C] -> [B, N, C]`"""

    query_latent: int = 6
    value_size: int = 5


def test_latent_queries_and_values_of_another_size_keep_the_contracts():
    tables = {**TABLES, 'mixer': {**TABLES['mixer'], 'as_in_deepseek': AsInDeepSeek}}
    rules = ['dtype', 'roles', 'gradient', 'lanes', 'causal', 'equivariant', 'batch', 'bodies', 'generates']
    contracts = check('mixer', 'as_in_deepseek', tables, rules, lines=1)
    assert [f'{one.rule}: {one.why}' for one in contracts if not one.holds] == []


@pytest.mark.parametrize(('field', 'none'), [('query_latent', 'none'), ('value_size', 'head_size')])
def test_sizes_below_0_are_refused(alone, field, none):
    with pytest.raises(ValueError, match=f"mixer 'latent_attention': {field}=-1; allowed: 0 for {none}, or above; change "):
        alone('mixer', 'latent_attention', {field: -1}, {}, X)


def test_fourier_transforms_positions_and_channels(alone):
    for x in (X, MAP):
        y = x.astype(np.complex128)
        for axis in range(1, x.ndim):
            count = x.shape[axis]
            waves = np.exp(-2j * np.pi * np.outer(np.arange(count), np.arange(count)) / count) / np.sqrt(count)
            y = np.moveaxis(np.tensordot(waves, y, (1, axis)), 0, axis)
        np.testing.assert_allclose(alone('mixer', 'fourier', {}, {}, x), y.real, rtol=1e-4, atol=1e-4)
