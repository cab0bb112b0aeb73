"""Hyena against its formula in numpy; long convolutions by products, by Fourier transforms and step by step."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arch.context import Context
from arch.cost import cost
from arch.mixers.hyena import Hyena, times, window
from arch.ops.long_convolution import SHORT, last_of, long_convolution

GENERATOR = np.random.default_rng(0)


def normal(*shape):
    return GENERATOR.normal(size=shape).astype(np.float32)


def summed(x, taps):
    """One position at a time, in float64."""
    y = np.zeros(x.shape)
    for n in range(x.shape[1]):
        for m in range(n + 1):
            y[:, n] += taps[m].astype(np.float64) * x[:, n - m]
    return y


def one_at_a_time(x, taps):
    return jax.vmap(lambda n: last_of(x, taps, jnp.full(len(x), n))[:, 0], out_axes=1)(jnp.arange(x.shape[1]))


@pytest.mark.parametrize('length', [SHORT - 1, SHORT + 1])
def test_a_long_convolution_by_products_by_transforms_and_one_position_at_a_time(length):
    x, taps = normal(2, length, 3), normal(length, 3)
    expected = summed(x, taps)
    for form in (long_convolution, one_at_a_time):
        y = jax.jit(form)(x, taps)
        assert np.abs(y - expected).max() <= 1e-5 * np.abs(expected).max()


def test_hyena(alone):
    length, channels, order, hidden = 5, 4, 2, 3
    x, fields = normal(2, length, channels), {'order': order, 'hidden': hidden, 'waves': 2, 'length': 8, 'kernel': 2}
    sizes = [(5, hidden), (hidden, hidden), (hidden, hidden)]
    network = {f'layer_{n}': {'kernel': normal(*size) / 4, 'bias': normal(hidden)} for n, size in enumerate(sizes)}
    network |= {f'sine_{n}': {'gain': normal(hidden)} for n in range(3)}
    network['last'] = {'kernel': normal(hidden, order * channels)}
    params = {
        'up': {'kernel': normal(channels, 3 * channels), 'bias': normal(3 * channels)},
        'depthwise': {'kernel': normal(2, 3 * channels), 'bias': normal(3 * channels)},
        'filter': network,
        'scale': normal(order, channels),
    }
    output = {'kernel': normal(channels, channels), 'bias': normal(channels)}
    y = alone('mixer', 'hyena', fields, {'forward': params, 'output': output}, x, causal=True)

    parts = x.astype(np.float64) @ params['up']['kernel'] + params['up']['bias']
    before, kernel = np.pad(parts, [(0, 0), (1, 0), (0, 0)])[:, :-1], params['depthwise']['kernel']
    parts = before * kernel[0] + parts * kernel[1] + params['depthwise']['bias']
    first, second, z = np.split(parts, 3, -1)
    t = np.arange(length)[:, None] / 8
    told = np.concatenate([t, 1 + 0 * t, np.cos(2 * np.pi * t), 0 * t, -np.sin(2 * np.pi * t)], -1)
    for n in range(3):
        layer = network[f'layer_{n}']
        told = np.sin(network[f'sine_{n}']['gain'] * (told @ layer['kernel'] + layer['bias']))
    rates = np.linspace(np.log(100) / 1.5, np.log(100) / 0.3, channels)
    taps = (told @ network['last']['kernel']).reshape(length, order, channels) * np.exp(-t * rates)[:, None]
    for number, gate in enumerate((first, second)):
        z = gate * (summed(z, taps[:, number]) + params['scale'][number] * z)
    np.testing.assert_allclose(y, z @ output['kernel'] + output['bias'], rtol=1e-3, atol=1e-4)


def test_taps_do_not_depend_on_the_length_of_the_input():
    np.testing.assert_array_equal(times(9, 16, 3)[:4], times(4, 16, 3))
    np.testing.assert_array_equal(window(9, 16, 3)[:4], window(4, 16, 3))
    assert np.allclose(window(17, 10, 2)[[15, 3], [0, 1]], 0.01, rtol=1e-5)


def test_transforms_have_their_cost():
    """n log n for a long input: far below the pairs of positions, and above nothing."""
    model = Hyena(order=1, hidden=1, waves=1)

    class Alone:
        @staticmethod
        def init(key, x, knobs):
            return model.init(key, x, Context(causal=True))['params'], {}

        @staticmethod
        def apply(params, state, x, **given):
            return model.apply({'params': params}, x, Context(causal=True)), state, {}

        @staticmethod
        def roles(params):
            return jax.tree.map(lambda leaf: 'matrix', params)

    macs = [cost(Alone, jax.ShapeDtypeStruct((1, n, 2), jnp.float32))['macs'] for n in (512, 1024)]
    assert 2 < macs[1] / macs[0] < 2.5 and macs[1] < 1024 * 1024 * 2 / 4
