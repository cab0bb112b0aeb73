"""Decayed sums and the delta rule in chunks, against one position after the other; and the mixers that are made of them."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from position_steps import stepped
from rounding import assert_same_numbers

from arch.mixers.retention import decays
from arch.ops.decayed_sums import CHUNK, decayed_step, decayed_sums, first_state

GENERATOR = np.random.default_rng(0)
B, K, D, E = 2, 2, 4, 3
LENGTHS = (1, 5, CHUNK, CHUNK + 1, 2 * CHUNK + 7)


def normal(*shape):
    return GENERATOR.normal(size=shape).astype(np.float32)


@functools.cache
def drawn(length):
    """Queries, keys of length 1, values, logarithms of decays and strengths."""
    key = normal(B, length, K, D)
    key /= np.linalg.norm(key, axis=-1, keepdims=True)
    log_decay, strength = -np.exp(normal(B, length, K)) / 8, GENERATOR.uniform(size=(B, length, K)).astype(np.float32)
    return normal(B, length, K, D), key, normal(B, length, K, E), log_decay, strength


def written_out(query, key, value, log_decay, strength=None):
    """The states of each head by their definition, in float64."""
    mixed = np.zeros(value.shape)
    for b, k in np.ndindex(len(query), query.shape[2]):
        state = np.zeros((D, E))
        for n in range(query.shape[1]):
            state = np.exp(np.float64(log_decay[b, n, k])) * state
            taken = value[b, n, k].astype(np.float64)
            if strength is not None:
                taken = strength[b, n, k] * (taken - key[b, n, k] @ state)
            state = state + np.outer(key[b, n, k], taken)
            mixed[b, n, k] = query[b, n, k] @ state
    return mixed


def step_by_step(query, key, value, log_decay, strength=None):
    return stepped(decayed_step, first_state(query, value), query, key, value, log_decay, strength)


@pytest.mark.parametrize('way', [decayed_sums, step_by_step])
@pytest.mark.parametrize('delta', [False, True])
@pytest.mark.parametrize('length', [5, CHUNK + 1])
def test_formula(way, delta, length):
    given = drawn(length) if delta else drawn(length)[:4]
    np.testing.assert_allclose(jax.jit(way)(*given), written_out(*given), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('delta', [False, True])
@pytest.mark.parametrize('length', LENGTHS)
def test_chunks_give_what_steps_give(delta, length):
    """To 1e-5 of the largest number, and for the delta rule 1e-4, at lengths that the chunk does not divide."""
    given = drawn(length) if delta else drawn(length)[:4]
    one, other = jax.jit(decayed_sums)(*given), jax.jit(step_by_step)(*given)
    assert abs(one - other).max() <= (1e-4 if delta else 1e-5) * abs(other).max()


def test_equal_keys_at_full_strength_are_solved_without_loss():
    """The hardest system: every position replaces what the one before it wrote."""
    query, key, value, log_decay, _ = drawn(2 * CHUNK + 7)
    key = np.broadcast_to(key[:, :1], key.shape)
    given = query, key, value, 0 * log_decay, np.ones(log_decay.shape, np.float32)
    one, other = jax.jit(decayed_sums)(*given), jax.jit(step_by_step)(*given)
    assert abs(one - other).max() <= 1e-4 * abs(other).max()


@pytest.mark.parametrize('delta', [False, True])
def test_slopes(delta):
    given = drawn(CHUNK + 1) if delta else drawn(CHUNK + 1)[:4]

    def slopes(way):
        return jax.jit(jax.grad(lambda *given: (way(*given) ** 2).sum(), tuple(range(len(given)))))(*given)

    for one, other in zip(slopes(decayed_sums), slopes(step_by_step), strict=True):
        # Sums over the positions, there and back, through a system of as many.
        assert_same_numbers(one, other, 100 * CHUNK)


def test_decays_that_vanish_leave_finite_slopes():
    query, key, value, log_decay, strength = drawn(CHUNK + 1)
    gone = jnp.full(log_decay.shape, -200.0)
    for given in ((query, key, value, gone), (query, key, value, gone, strength)):
        slopes = jax.jit(jax.grad(lambda *given: decayed_sums(*given).sum(), tuple(range(len(given)))))(*given)
        assert all(np.isfinite(slope).all() for slope in slopes)


X = normal(2, 6, 8)


def product(x, params):
    return x @ params['kernel'].astype(np.float64) + params.get('bias', 0)


def kernel(*shape):
    return {'kernel': normal(*shape) / 2}


def heads_of(x, count=2):
    return x.reshape(*x.shape[:2], count, -1)


def normed(x, scale):
    return scale * x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6)


def silu(x):
    return x / (1 + np.exp(-x))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def filtered(x, taps):
    """A causal filter for each channel."""
    padded = np.pad(x, [(0, 0), (len(taps) - 1, 0), (0, 0)])
    return sum(padded[:, tap : tap + x.shape[1]] * taps[tap] for tap in range(len(taps)))


def test_retention(alone):
    own = {name: kernel(8, 8) for name in ('query', 'key')} | {'value': kernel(8, 16), 'norm': {'scale': normal(8)}}
    params = {'forward': own, 'gate': kernel(8, 16), 'output': kernel(16, 8)}
    y = alone('mixer', 'retention', {'heads': 2}, params, X, causal=True)
    x = X.astype(np.float64)
    query, key, value = (heads_of(product(x, own[name])) for name in ('query', 'key', 'value'))
    log_decay = np.broadcast_to(np.log(decays(2)), (2, 6, 2))
    mixed = np.zeros((2, 6, 2, 8))
    for n in range(6):
        for m in range(n + 1):
            weight = (query[:, n] * key[:, m]).sum(-1) / 2 * np.exp((n - m) * log_decay[:, 0])
            mixed[:, n] += weight[..., None] * value[:, m]
    mixed = normed(mixed, own['norm']['scale']).reshape(2, 6, 16)
    np.testing.assert_allclose(y, product(silu(product(x, params['gate'])) * mixed, params['output']), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize('kind', ['delta_rule', 'gated_delta_rule'])
def test_delta_rules(alone, kind):
    gated, names = kind == 'gated_delta_rule', ('query', 'key', 'value')
    own = {name: kernel(8, 8) for name in names} | {f'{name}_short': {'depthwise': kernel(4, 8)} for name in names}
    own |= {'strength': kernel(8, 2), 'norm': {'scale': normal(4)}}
    params = {'forward': own, 'output': kernel(8, 8)}
    if gated:
        own |= {'decay': kernel(8, 2), 'scale': normal(2), 'bias': normal(2)}
        params['gate'] = kernel(8, 8)
    y = alone('mixer', kind, {'heads': 2}, params, X, causal=True)
    x = X.astype(np.float64)
    query, key, value = (
        heads_of(silu(filtered(product(x, own[name]), own[f'{name}_short']['depthwise']['kernel']))) for name in names
    )
    query, key = (part / np.sqrt((part**2).sum(-1, keepdims=True) + 1e-6) for part in (query, key))
    log_decay = np.zeros((2, 6, 2))
    if gated:
        log_decay = -np.exp(own['scale']) * np.log1p(np.exp(product(x, own['decay']) + own['bias']))
    strength, mixed = sigmoid(product(x, own['strength'])), np.zeros((2, 6, 2, 4))
    for b, k in np.ndindex(2, 2):
        state = np.zeros((4, 4))
        for n in range(6):
            state = np.exp(log_decay[b, n, k]) * state
            state = state + np.outer(key[b, n, k], strength[b, n, k] * (value[b, n, k] - key[b, n, k] @ state))
            mixed[b, n, k] = query[b, n, k] @ state / 2
    mixed = normed(mixed, own['norm']['scale']).reshape(2, 6, 8)
    mixed = silu(product(x, params['gate'])) * mixed if gated else mixed
    np.testing.assert_allclose(y, product(mixed, params['output']), rtol=1e-3, atol=1e-4)


def test_state_space_duality(alone):
    own = {'up': kernel(8, 16 + 6), 'depthwise': {**kernel(4, 22), 'bias': normal(22)}, 'step': kernel(8, 2)}
    own |= {'bias': normal(2), 'scale': normal(2), 'gain': normal(2)}
    params = {'forward': own, 'gate': kernel(8, 16), 'norm': {'scale': normal(16)}, 'output': kernel(16, 8)}
    y = alone('mixer', 'state_space_duality', {'heads': 2, 'state': 3}, params, X, causal=True)
    x = X.astype(np.float64)
    parts = silu(filtered(product(x, own['up']), own['depthwise']['kernel']) + own['depthwise']['bias'])
    u, enter, leave = heads_of(parts[..., :16]), parts[..., 16:19], parts[..., 19:]
    step, mixed = np.log1p(np.exp(product(x, own['step']) + own['bias'])), np.zeros((2, 6, 2, 8))
    for b, k in np.ndindex(2, 2):
        state = np.zeros((3, 8))
        for n in range(6):
            state = np.exp(-step[b, n, k] * np.exp(own['scale'][k])) * state
            state = state + step[b, n, k] * np.outer(enter[b, n], u[b, n, k])
            mixed[b, n, k] = leave[b, n] @ state + own['gain'][k] * u[b, n, k]
    gated = silu(product(x, params['gate'])) * mixed.reshape(2, 6, 16)
    np.testing.assert_allclose(y, product(normed(gated, params['norm']['scale']), params['output']), rtol=1e-3, atol=1e-4)


def test_gated_recurrence(alone):
    own = {'depthwise': {**kernel(4, 8), 'bias': normal(8)}, 'scale': normal(8)}
    own |= {name: {'kernel': normal(2, 4, 4) / 2, 'bias': normal(8)} for name in ('retain', 'take')}
    params = {'forward': own, **{name: {**kernel(8, 8), 'bias': normal(8)} for name in ('up', 'gate', 'output')}}
    y = alone('mixer', 'gated_recurrence', {'heads': 2, 'expand': 1.0}, params, X, causal=True)
    x = X.astype(np.float64)
    u = filtered(product(x, params['up']), own['depthwise']['kernel']) + own['depthwise']['bias']

    def gate(name):
        halves = [u[..., 4 * at : 4 * at + 4] @ own[name]['kernel'][at] for at in range(2)]
        return sigmoid(np.concatenate(halves, -1) + own[name]['bias'])

    decay = np.exp(-8 * np.log1p(np.exp(own['scale'])) * gate('retain'))
    state, states = np.zeros((2, 8)), []
    for n in range(6):
        state = decay[:, n] * state + np.sqrt(1 - decay[:, n] ** 2) * gate('take')[:, n] * u[:, n]
        states.append(state)
    gated = np.asarray(jax.nn.gelu(product(x, params['gate']))) * np.stack(states, 1)
    np.testing.assert_allclose(y, product(gated, params['output']), rtol=1e-3, atol=1e-3)
