"""Mixers against their formulas in numpy."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arch.context import Context
from arch.mixers import MIXERS
from arch.mixers.depthwise_conv import DepthwiseConv
from arch.model_sockets import Sockets
from arch.probe import PLAIN
from arch.sockets import TABLES

GENERATOR = np.random.default_rng(0)
SEQUENCE = GENERATOR.normal(size=(2, 5, 8)).astype(np.float32)
MAP = GENERATOR.normal(size=(2, 4, 3, 8)).astype(np.float32)


def matrix(*shape):
    return GENERATOR.normal(size=shape).astype(np.float32) / 2


PROJECTIONS = {name: {'kernel': matrix(8, 8), 'bias': matrix(8)} for name in ('query', 'value', 'output')}
PROJECTIONS['key'] = {'kernel': matrix(8, 8)}


def project(name, x):
    return x @ PROJECTIONS[name]['kernel'] + PROJECTIONS[name].get('bias', 0)


def attention(x, heads, causal):
    """One query at a time."""
    tokens, size = x.reshape(len(x), -1, x.shape[-1]), x.shape[-1] // heads
    query, key, value = (project(name, tokens) for name in ('query', 'key', 'value'))
    mixed = np.zeros_like(tokens)
    for b in range(len(tokens)):
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            for n in range(tokens.shape[1]):
                last = n + 1 if causal else tokens.shape[1]
                weights = np.exp(key[b, :last, part] @ query[b, n, part] / np.sqrt(size))
                mixed[b, n, part] = weights @ value[b, :last, part] / weights.sum()
    return project('output', mixed).reshape(x.shape)


def pool(x, window, causal):
    """One position at a time: the mean over the positions of the window that are inside, less the position."""
    y = np.zeros_like(x)
    reach = range(-window + 1, 1) if causal else range(-(window // 2), window // 2 + 1)
    for place in np.ndindex(*x.shape[1:-1]):
        seen = []
        for step in np.ndindex(*(window,) * len(place)):
            other = tuple(p + reach[s] for p, s in zip(place, step, strict=True))
            if all(0 <= o < n for o, n in zip(other, x.shape[1:], strict=False)):
                seen.append(x[(slice(None), *other)])
        y[(slice(None), *place)] = np.mean(seen, axis=0) - x[(slice(None), *place)]
    return y


@pytest.mark.parametrize(
    ('x', 'causal'), [(SEQUENCE, False), (SEQUENCE, True), (MAP, False)], ids=['sequence', 'causal', 'map']
)
@pytest.mark.parametrize('heads', [1, 4])
def test_attention(alone, x, heads, causal):
    y = alone('mixer', 'attention', {'heads': heads}, PROJECTIONS, x, causal=causal)
    np.testing.assert_allclose(y, attention(x.astype(np.float64), heads, causal), rtol=1e-4, atol=1e-4)


def test_attention_turns_queries_and_keys_alone(alone):
    turned = []

    def rotate(x, spatial):
        turned.append((x.shape, spatial))
        return x

    alone('mixer', 'attention', {'heads': 2}, PROJECTIONS, MAP, rotate=rotate)
    assert turned == [((2, 12, 2, 4), (4, 3))] * 2


@pytest.mark.parametrize(
    ('x', 'window', 'causal'),
    [(SEQUENCE, 3, False), (SEQUENCE, 2, True), (SEQUENCE, 7, True), (MAP, 3, False), (MAP, 5, False), (MAP, 1, False)],
)
def test_pool_counts_positions_inside_only(alone, x, window, causal):
    y = alone('mixer', 'pool', {'window': window}, {}, x, causal=causal)
    np.testing.assert_allclose(y, pool(x.astype(np.float64), window, causal), rtol=1e-4, atol=1e-5)


def test_depthwise_conv_filters_each_channel_and_adds_a_bias(alone):
    kernel, bias = matrix(3, 8), matrix(8)
    y = alone('mixer', 'depthwise_conv', {'kernel': 3}, {'depthwise': {'kernel': kernel, 'bias': bias}}, SEQUENCE)
    padded = np.pad(SEQUENCE.astype(np.float64), [(0, 0), (1, 1), (0, 0)])
    expected = sum(padded[:, tap : tap + 5] * kernel[tap] for tap in range(3)) + bias
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


def test_depthwise_conv_can_have_no_bias_and_keep_every_second_position(alone):
    kernel = matrix(3, 3, 8)
    whole = alone(
        'mixer', 'depthwise_conv', {'kernel': 3}, {'depthwise': {'kernel': kernel, 'bias': np.zeros(8, np.float32)}}, MAP
    )
    strided = DepthwiseConv(kernel=3, bias=False, stride=2)
    y = strided.apply({'params': {'depthwise': {'kernel': kernel}}}, jnp.asarray(MAP), Context())
    np.testing.assert_allclose(y, whole[:, ::2, ::2], rtol=1e-5, atol=1e-5)


PRODUCTS = {'query', 'key', 'value', 'output'}
BIASED = {'all': PRODUCTS, 'needed': PRODUCTS - {'key'}, 'none': set()}
PROJECTED = ['attention', 'grouped_query_attention', 'sliding_window_attention', 'linear_attention']


@pytest.mark.parametrize('kind', PROJECTED)
@pytest.mark.parametrize('biases', BIASED)
def test_which_products_have_biases(kind, biases):
    module = Sockets({**PLAIN, 'mixer': {'kind': kind, 'biases': biases}}, TABLES).make('mixer', name=None)
    params = jax.eval_shape(lambda x: module.init(jax.random.key(0), x, Context()), SEQUENCE)['params']
    assert set(params) == PRODUCTS
    assert {name for name in params if 'bias' in params[name]} == BIASED[biases]


@pytest.mark.parametrize('kind', PROJECTED)
def test_unknown_biases(alone, kind):
    message = rf"mixer '{kind}': biases='some'; allowed: \['all', 'needed', 'none'\]; change biases"
    with pytest.raises(ValueError, match=message):
        alone('mixer', kind, {'biases': 'some'}, {}, SEQUENCE)


def test_a_key_bias_changes_no_attention(alone):
    biased = {**PROJECTIONS, 'key': {**PROJECTIONS['key'], 'bias': matrix(8)}}
    y = alone('mixer', 'attention', {'biases': 'all'}, biased, SEQUENCE)
    np.testing.assert_allclose(y, alone('mixer', 'attention', {}, PROJECTIONS, SEQUENCE), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('kind', PROJECTED)
def test_values_are_mixed_before_they_are_weighted(kind):
    """Values of nothing but ones: what comes out is the output product of ones, whatever the weights."""
    module = Sockets({**PLAIN, 'mixer': {'kind': kind}}, TABLES).make('mixer', name=None)

    @jax.jit
    def run(key, x):
        variables = module.init(key, x, Context())
        return variables['params']['output'], module.apply(variables, x, Context(values=jnp.ones_like))

    output, y = run(jax.random.key(0), SEQUENCE)
    np.testing.assert_allclose(y, np.broadcast_to(output['kernel'].sum(0) + output['bias'], y.shape), rtol=1e-4, atol=1e-4)


def test_identity_mixes_nothing(alone):
    np.testing.assert_array_equal(alone('mixer', 'identity', {}, {}, MAP), MAP)


@pytest.mark.parametrize(('kind', 'field'), [('depthwise_conv', 'kernel'), ('pool', 'window')])
def test_even_sizes_have_no_middle(alone, kind, field):
    with pytest.raises(ValueError, match=rf'{field}=4 is even and has no middle; allowed: odd sizes; use 3 or 5'):
        alone('mixer', kind, {field: 4}, {}, SEQUENCE)


def test_every_mixer_is_tested_here_or_in_a_file_of_its_own():
    here = Path(__file__).parent
    own = {path.stem.removeprefix('test_') for path in here.glob('test_*.py')}
    texts = [
        (here / f'test_{name}.py').read_text()
        for name in ('decayed_sums', 'corrected_sums', 'other_attention', 'separable_conv')
    ]
    together = {kind for kind in MIXERS if any(f"'{kind}'" in text for text in texts)}
    assert set(MIXERS) - own - together == {'attention', 'depthwise_conv', 'pool', 'identity'}
