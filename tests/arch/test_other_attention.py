"""Differential and latent attention and Fourier mixing, against their formulas in numpy."""

import numpy as np

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


def test_latent_attention(alone):
    sizes = {
        'query': (8, 2 * 5),
        'latent': (8, 4),
        'key': (4, 2 * 3),
        'value': (4, 2 * 3),
        'key_turned': (8, 2),
        'output': (6, 8),
    }
    params = {name: kernel(*shape) for name, shape in sizes.items()} | {'norm': {'scale': normal(4)}}
    fields = {'heads': 2, 'head_size': 3, 'turned': 2, 'latent': 4}

    def rotate(x, spatial):
        return 2.0 * x

    y = alone('mixer', 'latent_attention', fields, params, X, causal=True, rotate=rotate)
    x = X.astype(np.float64)
    latent = normed(x @ params['latent']['kernel'], params['norm']['scale'])
    query, mixed = np.reshape(x @ params['query']['kernel'], (2, 5, 2, 5)), np.zeros((2, 5, 2, 3))
    key, value = (np.reshape(latent @ params[name]['kernel'], (2, 5, 2, 3)) for name in ('key', 'value'))
    turned = 2.0 * (x @ params['key_turned']['kernel'])
    for b, head in np.ndindex(2, 2):
        whole = np.concatenate([query[b, :, head, :3], 2.0 * query[b, :, head, 3:]], -1)
        mixed[b, :, head] = softmax(whole, np.concatenate([key[b, :, head], turned[b]], -1)) @ value[b, :, head]
    np.testing.assert_allclose(y, mixed.reshape(2, 5, 6) @ params['output']['kernel'], rtol=1e-3, atol=1e-4)


def test_fourier_transforms_positions_and_channels(alone):
    for x in (X, MAP):
        y = x.astype(np.complex128)
        for axis in range(1, x.ndim):
            count = x.shape[axis]
            waves = np.exp(-2j * np.pi * np.outer(np.arange(count), np.arange(count)) / count) / np.sqrt(count)
            y = np.moveaxis(np.tensordot(waves, y, (1, axis)), 0, axis)
        np.testing.assert_allclose(alone('mixer', 'fourier', {}, {}, x), y.real, rtol=1e-4, atol=1e-4)
