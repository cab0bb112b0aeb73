"""Corrected sums in chunks against one position after the other; and the mixers with a decay for each channel of a key."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from position_steps import stepped
from rounding import assert_same_numbers

from arch.context import Context
from arch.head_norm import HeadNorm
from arch.low_rank import LowRank
from arch.mixers.rwkv7 import saw, slope
from arch.ops.corrected_sums import CHUNK, corrected_step, corrected_sums
from arch.ops.decayed_sums import first_state
from arch.token_shift import TokenShift

B, K, D, E = 2, 2, 4, 3
LENGTHS = (1, 5, CHUNK, CHUNK + 1, 2 * CHUNK + 7)
X = np.random.default_rng(1).normal(size=(2, 6, 8)).astype(np.float32)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def silu(x):
    return x * sigmoid(x)


def unit(x):
    return x / np.sqrt((x**2).sum(-1, keepdims=True) + 1e-6)


@functools.cache
def drawn(length):
    """Queries, keys, values, logarithms of decays, and what is read and written as in RWKV-7."""
    generator = np.random.default_rng(length)
    query, key, place = (generator.normal(size=(B, length, K, D)) for _ in range(3))
    log_decay = -0.6 * sigmoid(generator.normal(size=(B, length, K, D)))
    rate, value = sigmoid(generator.normal(size=(B, length, K, D))), generator.normal(size=(B, length, K, E))
    return tuple(x.astype(np.float32) for x in (query, key, value, log_decay, -unit(place), unit(place) * rate))


def written_out(query, key, value, log_decay, read, write):
    """The states of each head by their definition, in float64."""
    query, key, value, log_decay, read, write = (x.astype(np.float64) for x in (query, key, value, log_decay, read, write))
    mixed = np.zeros(value.shape)
    for b, k in np.ndindex(len(query), query.shape[2]):
        state = np.zeros((query.shape[3], value.shape[3]))
        for n in range(query.shape[1]):
            at = b, n, k
            correction = np.outer(write[at], read[at] @ state)
            state = np.diag(np.exp(log_decay[at])) @ state + correction + np.outer(key[at], value[at])
            mixed[at] = query[at] @ state
    return mixed


def step_by_step(query, key, value, *others):
    return stepped(corrected_step, first_state(query, value), query, key, value, *others)


@pytest.mark.parametrize('way', [corrected_sums, step_by_step])
@pytest.mark.parametrize('length', [5, CHUNK + 1])
def test_formula(way, length):
    np.testing.assert_allclose(jax.jit(way)(*drawn(length)), written_out(*drawn(length)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('length', LENGTHS)
def test_chunks_give_what_steps_give(length):
    """To 1e-5 of the largest number, at lengths that the chunk does not divide."""
    one, other = jax.jit(corrected_sums)(*drawn(length)), jax.jit(step_by_step)(*drawn(length))
    assert abs(one - other).max() <= 1e-5 * abs(other).max()


def test_one_place_that_is_replaced_at_every_step_is_solved_without_loss():
    """The hardest system: every position replaces what the one before it wrote, and nothing fades."""
    query, _, value, log_decay, read, _ = drawn(2 * CHUNK + 7)
    read = np.broadcast_to(read[:, :1], read.shape)
    given = query, -read, value, 0 * log_decay, read, -read
    one, other = jax.jit(corrected_sums)(*given), jax.jit(step_by_step)(*given)
    assert abs(one - other).max() <= 1e-4 * abs(other).max()


def test_slopes():
    def slopes(way):
        return jax.jit(jax.grad(lambda *given: (way(*given) ** 2).sum(), tuple(range(6))))(*drawn(CHUNK + 1))

    for one, other in zip(slopes(corrected_sums), slopes(step_by_step), strict=True):
        # Sums over the positions, there and back, through a system of as many.
        assert_same_numbers(one, other, 100 * CHUNK)


def test_decays_that_vanish_leave_finite_slopes():
    query, key, value, log_decay, read, write = drawn(CHUNK + 1)
    given = query, key, value, jnp.full(log_decay.shape, -200.0), read, write
    slopes = jax.jit(jax.grad(lambda *given: corrected_sums(*given).sum(), tuple(range(6))))(*given)
    assert all(np.isfinite(slope).all() for slope in slopes)


def earlier(x):
    return np.concatenate([np.zeros_like(x[:, :1]), x[:, :-1]], 1)


def heads_of(x):
    return x.reshape(*x.shape[:2], 2, -1)


class Draw:
    """Parameters, drawn one after the other."""

    def __init__(self):
        self.generator = np.random.default_rng(0)

    def normal(self, *shape):
        return self.generator.normal(size=shape).astype(np.float32)

    def kernel(self, *shape):
        return {'kernel': self.normal(*shape) / 2}

    def low_rank(self, rank, bias=True):
        return {'down': self.kernel(8, rank), 'up': self.kernel(rank, 8)} | ({'bias': self.normal(8)} if bias else {})

    def weights(self):
        return {'scale': self.normal(8)}


def product(x, params):
    return x @ params['kernel'].astype(np.float64)


def low_rank(x, params, between=lambda x: x):
    return product(between(product(x, params['down'])), params['up']) + params.get('bias', 0)


def head_norm(x, params):
    """x [B, N, K, D]."""
    x = x - x.mean(-1, keepdims=True)
    x = (x / np.sqrt((x**2).mean(-1, keepdims=True) + 64e-5)).reshape(*x.shape[:2], -1)
    return x * params['scale'] + params['bias']


@pytest.mark.parametrize('later', [False, True], ids=['first block', 'later block'])
def test_rwkv7(alone, later):
    """A later block blends its values with those of the first one; in the first there is nothing to blend."""
    draw, inputs = Draw(), ('query', 'key', 'value', 'decay', 'rate', 'gate')
    own = {f'{name}_shift': draw.weights() for name in inputs} | {name: draw.kernel(8, 8) for name in inputs[:3]}
    own |= {'decay': draw.low_rank(3), 'rate': draw.low_rank(3), 'gate': draw.low_rank(5, bias=False)}
    own |= {name: draw.weights() for name in ('replaced', 'stepped', 'bonus')} | {
        'norm': {'bias': draw.normal(8), **draw.weights()}
    }
    own |= {'first': draw.low_rank(4)} if later else {}
    params, told = {'forward': own, 'output': draw.kernel(8, 8)}, draw.normal(2, 6, 8)
    fields = {'heads': 2, 'rank': 3, 'gate_rank': 5, 'value_rank': 4}
    y = alone('mixer', 'rwkv7', fields, params, X, causal=True, first_values=lambda own: told if later else None)
    x = X.astype(np.float64)
    shifted = {name: x + own[f'{name}_shift']['scale'] * (earlier(x) - x) for name in inputs}
    query, key, value = (product(shifted[name], own[name]) for name in inputs[:3])
    value = value + sigmoid(low_rank(shifted['value'], own['first'])) * (told - value) if later else value
    log_decay = -np.exp(-0.5) * sigmoid(low_rank(shifted['decay'], own['decay'], np.tanh))
    rate = sigmoid(low_rank(shifted['rate'], own['rate']))
    place = unit(heads_of(key * own['replaced']['scale']))
    key = key * (1 + (rate - 1) * own['stepped']['scale'])
    query, key, value, log_decay, rate = map(heads_of, (query, key, value, log_decay, rate))
    mixed = written_out(query, key, value, log_decay, -place, place * rate)
    bonus = (query * key * heads_of(own['bonus']['scale'][None, None])).sum(-1, keepdims=True) * value
    mixed = head_norm(mixed, own['norm']) + bonus.reshape(2, 6, 8)
    gate = low_rank(shifted['gate'], own['gate'], sigmoid)
    np.testing.assert_allclose(y, product(gate * mixed, params['output']), rtol=1e-3, atol=1e-4)


def test_rwkv6(alone):
    draw, inputs = Draw(), ('query', 'key', 'value', 'decay', 'gate')
    own = {'shift': draw.weights()} | {name: draw.kernel(8, 8) for name in ('query', 'key', 'value', 'gate')}
    own |= {f'{name}_blend': {'shift': draw.weights(), 'change': draw.low_rank(3, bias=False)} for name in inputs}
    own |= {'decay': draw.low_rank(5), 'bonus': draw.weights(), 'norm': {'bias': draw.normal(8), **draw.weights()}}
    params = {'forward': own, 'output': draw.kernel(8, 8)}
    y = alone('mixer', 'rwkv6', {'heads': 2, 'rank': 3, 'decay_rank': 5}, params, X, causal=True)
    x = X.astype(np.float64)
    first = x + own['shift']['scale'] * (earlier(x) - x)

    def blended(name):
        blend = own[f'{name}_blend']
        return x + (low_rank(first, blend['change'], np.tanh) + blend['shift']['scale']) * (earlier(x) - x)

    query, key, value = (heads_of(product(blended(name), own[name])) for name in inputs[:3])
    decay = np.exp(-np.exp(heads_of(low_rank(blended('decay'), own['decay'], np.tanh))))
    mixed, bonus = np.zeros(value.shape), heads_of(own['bonus']['scale'][None, None])[0, 0]
    for b, k in np.ndindex(2, 2):
        state = np.zeros((4, 4))
        for n in range(6):
            at, taken = (b, n, k), np.outer(key[b, n, k], value[b, n, k])
            mixed[at] = query[at] @ (state + bonus[k][:, None] * taken)
            state = decay[at][:, None] * state + taken
    gated = silu(product(blended('gate'), own['gate'])) * head_norm(mixed, own['norm'])
    np.testing.assert_allclose(y, product(gated, params['output']), rtol=1e-3, atol=1e-4)


def test_kimi_delta_attention(alone):
    draw, names = Draw(), ('query', 'key', 'value')
    own = {name: draw.kernel(8, 8) for name in names} | {f'{name}_short': {'depthwise': draw.kernel(4, 8)} for name in names}
    own |= {
        'strength': draw.kernel(8, 2),
        'decay': draw.low_rank(3),
        'scale': draw.normal(2),
        'norm': {'scale': draw.normal(4)},
    }
    params = {'forward': own, 'gate': draw.low_rank(3), 'output': draw.kernel(8, 8)}
    y = alone('mixer', 'kimi_delta_attention', {'heads': 2, 'rank': 3}, params, X, causal=True)
    x = X.astype(np.float64)

    def short(name):
        padded, taps = np.pad(product(x, own[name]), [(0, 0), (3, 0), (0, 0)]), own[f'{name}_short']['depthwise']['kernel']
        return heads_of(silu(sum(padded[:, tap : tap + 6] * taps[tap] for tap in range(4))))

    query, key, value = unit(short('query')) / 2, unit(short('key')), short('value')
    strength = sigmoid(product(x, own['strength']))
    log_decay = -np.exp(own['scale'])[:, None] * np.log1p(np.exp(heads_of(low_rank(x, own['decay']))))
    mixed = np.zeros(value.shape)
    for b, k in np.ndindex(2, 2):
        state = np.zeros((4, 4))
        for n in range(6):
            at = b, n, k
            state = np.exp(log_decay[at])[:, None] * state
            state = state + strength[at] * np.outer(key[at], value[at] - key[at] @ state)
            mixed[at] = query[at] @ state
    mixed = mixed / np.sqrt((mixed**2).mean(-1, keepdims=True) + 1e-6) * own['norm']['scale']
    gated = sigmoid(low_rank(x, params['gate'])) * mixed.reshape(2, 6, 8)
    np.testing.assert_allclose(y, product(gated, params['output']), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(('layer', 'power', 'fall'), [(0, 0.9, 1.0), (1, 0.45, 1.0), (1, 0.9 / 16, 4.0)])
def test_first_shares_of_a_token_shift_shrink_over_the_depth(layer: int, power: float, fall: float):
    context = Context(causal=True, layer=layer, depth=2)
    params = TokenShift(0.9, fall).init(jax.random.key(0), jnp.asarray(X), context)['params']
    np.testing.assert_allclose(params['scale'], 1 - (np.arange(8) / 8) ** power, rtol=1e-5)


def test_first_values_of_a_low_rank_product_and_of_a_head_norm():
    context = Context(layer=1, depth=4)
    params = LowRank(8, 3, None, lambda key, shape: jnp.full(shape, 2.0)).init(jax.random.key(0), jnp.asarray(X), context)
    assert params['params']['bias'].tolist() == [2.0] * 8
    assert 'bias' not in LowRank(8, 3).init(jax.random.key(0), jnp.asarray(X), context)['params']
    normed = HeadNorm(0.7).init(jax.random.key(0), jnp.asarray(heads_of(X)), context)['params']
    np.testing.assert_allclose(normed['scale'], 0.5**0.7, rtol=1e-6)
    assert slope(3).tolist() == [-0.5, 0, 0.5] and saw(6, 2).tolist() == [-1, 0, 1, -1, 0, 1]


@pytest.mark.parametrize('corrected', [False, True])
def test_the_pairs_of_all_chunks_are_never_in_memory(corrected):
    length = 64 * CHUNK
    shapes = [jax.ShapeDtypeStruct((1, length, K, 8), jnp.float32)] * (6 if corrected else 4)
    slopes = jax.grad(lambda *given: corrected_sums(*given).sum(), tuple(range(len(shapes))))
    taken = jax.jit(slopes).lower(*shapes).compile().memory_analysis().temp_size_in_bytes
    assert taken < 4 * length * CHUNK * K * 8
