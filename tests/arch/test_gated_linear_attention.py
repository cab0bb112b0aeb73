"""Gated linear attention against a loop over tokens whose state is written out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from position_steps import stepped
from rounding import assert_same_numbers

from arch.model_sockets import Sockets
from arch.ops.corrected_sums import CHUNK, corrected_step, corrected_sums
from arch.ops.decayed_sums import first_state
from arch.probe import PLAIN
from arch.sockets import TABLES

GENERATOR = np.random.default_rng(0)
KIND = 'gated_linear_attention'
FIELDS = {'heads': 2, 'key_ratio': 0.5, 'rank': 3, 'tau': 2.0}


def numbers(*shape):
    return GENERATOR.normal(size=shape).astype(np.float32)


def direction():
    shapes = {'query': (8, 4), 'key': (8, 4), 'value': (8, 8), 'decay_down': (8, 3), 'decay_up': (3, 4)}
    params = {name: {'kernel': numbers(*shape) / 2} for name, shape in shapes.items()}
    params['decay_up']['bias'] = numbers(4)
    return {**params, 'norm': {'scale': numbers(4)}}


PARAMS = {
    'forward': direction(),
    'backward': direction(),
    'gate': {'kernel': numbers(8, 8) / 2, 'bias': numbers(8)},
    'output': {'kernel': numbers(8, 8) / 2},
}
SHORT, LONG, MAP = numbers(2, 5, 8), numbers(1, 37, 8), numbers(2, 3, 4, 8)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def product(params, x):
    return x @ params['kernel'].astype(np.float64) + params.get('bias', 0)


def rms(x, scale=1.0):
    return x / np.sqrt(np.mean(x**2) + 1e-6) * scale


def states(params, x, norm=lambda y: y):
    """One token of one example at a time: each of two heads has a state [2, 4]."""
    mixed = np.zeros(x.shape)
    query, key, value = (product(params[name], x) for name in ('query', 'key', 'value'))
    decay = sigmoid(product(params['decay_up'], product(params['decay_down'], x))) ** (1 / 2.0)
    for b, head in np.ndindex(len(x), 2):
        narrow, wide, state = slice(2 * head, 2 * head + 2), slice(4 * head, 4 * head + 4), np.zeros((2, 4))
        for n in range(x.shape[1]):
            taken = np.outer(norm(key[b, n, narrow]), value[b, n, wide])
            state = decay[b, n, narrow][:, None] * state + taken
            mixed[b, n, wide] = rms(norm(query[b, n, narrow]) @ state, params['norm']['scale'])
    return mixed


def formula(x, causal, **given):
    tokens = x.reshape(len(x), -1, 8).astype(np.float64)
    mixed = states(PARAMS['forward'], tokens, **given)
    if not causal:
        mixed = mixed + states(PARAMS['backward'], tokens[:, ::-1], **given)[:, ::-1]
    gate = product(PARAMS['gate'], tokens)
    return product(PARAMS['output'], gate * sigmoid(gate) * mixed).reshape(x.shape)


@pytest.mark.parametrize(
    ('x', 'causal'),
    [(SHORT, True), (LONG, True), (LONG, False), (MAP, False)],
    ids=['short', 'long', 'both ways', 'map'],
)
def test_formula(alone, x, causal):
    y = alone('mixer', KIND, FIELDS, PARAMS, x, causal=causal)
    np.testing.assert_allclose(y, formula(x, causal), rtol=1e-5, atol=1e-5)


def test_queries_and_keys_are_normed_per_head(alone):
    scales = {'query_norm': {'scale': np.ones(2, np.float32)}, 'key_norm': {'scale': np.ones(2, np.float32)}}
    params = {**PARAMS, 'forward': {**PARAMS['forward'], **scales}}
    y = alone('mixer', KIND, FIELDS, params, SHORT, causal=True, around={'qk_norm': {'kind': 'rms_norm'}})
    np.testing.assert_allclose(y, formula(SHORT, True, norm=rms), rtol=1e-5, atol=1e-5)


def parts(length, low, high):
    """Queries, keys and values of unit size, and logarithms of decays: gates of tau 16 from logits between two bounds."""
    query, key = (numbers(1, length, 2, 8) / 8**0.5 for _ in range(2))
    logits = GENERATOR.uniform(low, high, size=(1, length, 2, 8))
    log_decay = -np.logaddexp(0, -logits) / 16
    return query, key, numbers(1, length, 2, 4), log_decay.astype(np.float32)


def step_by_step(query, key, value, log_decay):
    return stepped(corrected_step, first_state(query, value), query, key, value, log_decay, None, None)


@pytest.mark.parametrize(
    ('length', 'low', 'high'),
    [(256, -40, 5), (256, -400, -100), (256, 5, 12), (CHUNK, -3, 3), (2 * CHUNK + 1, -3, 3), (1, -3, 3)],
    ids=['mixed', 'small gates', 'open gates', 'one chunk', 'a chunk begun', 'one token'],
)
def test_chunks_are_the_recurrence(length, low, high):
    given = parts(length, low, high)
    query, key, value, decay = (part.astype(np.float64) for part in given)
    state, expected = np.zeros((2, 8, 4)), np.zeros(value.shape)
    for n in range(length):
        state = np.exp(decay[0, n])[..., None] * state + key[0, n][..., None] * value[0, n][:, None]
        expected[0, n] = np.einsum('kd,kde->ke', query[0, n], state)
    np.testing.assert_allclose(jax.jit(step_by_step)(*given), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(jax.jit(corrected_sums)(*given), expected, rtol=1e-5, atol=1e-5)


def test_chunks_have_the_gradient_of_the_recurrence():
    given = parts(64, -200, 5)

    def slopes(way):
        return jax.jit(jax.grad(lambda *parts: jnp.sin(way(*parts)).sum(), (0, 1, 2, 3)))(*given)

    for left, right in zip(slopes(corrected_sums), slopes(step_by_step), strict=True):
        assert np.isfinite(left).all()
        # A state sums over 64 tokens, an output over 8 of its numbers; a slope over both again.
        assert_same_numbers(right, left, 144)


def test_shut_gates_show_each_token_itself_alone():
    query, key, value, decay = parts(24, 0, 1)
    own = (query * key).sum(-1, keepdims=True) * value
    y = jax.jit(corrected_sums)(query, key, value, np.full_like(decay, -1e3))
    np.testing.assert_allclose(y, own, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ('fields', 'why'),
    [
        ({'heads': 3}, r'heads=3 does not divide width=8; allowed: \[1, 2, 4, 8\]'),
        ({'key_ratio': 0.1}, r'heads=2 does not divide key_ratio \* width=1; allowed: \[1\]'),
        ({'tau': 0.0}, 'tau=0.0 is given, allowed is above 0'),
        ({'rank': 0}, 'rank=0 is given, allowed is above 0'),
    ],
)
def test_errors(alone, fields, why):
    with pytest.raises(ValueError, match=why):
        alone('mixer', KIND, {**FIELDS, **fields}, PARAMS, SHORT)
    with pytest.raises(ValueError, match=why):
        Sockets({**PLAIN, 'mixer': {'kind': KIND, **FIELDS, **fields}}, TABLES).make('mixer', name=None).check(8, True)
