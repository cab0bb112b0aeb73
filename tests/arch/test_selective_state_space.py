"""Selective state space against a loop over tokens and channels."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from position_steps import stepped
from rounding import assert_same_numbers

from arch.context import Context
from arch.mixers import selective_state_space
from arch.mixers.selective_state_space import CHUNK, decay_and_taken, selective_scan
from arch.model_sockets import Sockets
from arch.ops.recurrence import recurrence_step
from arch.probe import PLAIN
from arch.sockets import TABLES

GENERATOR = np.random.default_rng(0)
KIND = 'selective_state_space'
FIELDS = {'state': 3, 'expand': 1.5, 'kernel': 4}
WIDE = 12


def numbers(*shape):
    return GENERATOR.normal(size=shape).astype(np.float32)


def direction():
    shapes = {'depthwise': (4, WIDE), 'step_down': (WIDE, 1), 'step_up': (1, WIDE), 'enter': (WIDE, 3), 'leave': (WIDE, 3)}
    params = {name: {'kernel': numbers(*shape) / 2} for name, shape in shapes.items()}
    params['depthwise']['bias'] = numbers(WIDE)
    return {**params, 'scale': numbers(WIDE, 3), 'bias': numbers(WIDE), 'gain': numbers(WIDE)}


PARAMS = {name: {'kernel': numbers(*shape) / 2} for name, shape in (('up', (8, 12)), ('gate', (8, 12)), ('output', (12, 8)))}
PARAMS.update(forward=direction(), backward=direction())
SEQUENCE, MAP = numbers(2, 9, 8), numbers(2, 3, 4, 8)


def silu(x):
    return x / (1 + np.exp(-x))


def product(params, x):
    return x @ params['kernel'].astype(np.float64)


def scan(params, u):
    """One example at a time: filter, activation, then each channel's state of 3."""
    y = np.zeros(u.shape)
    for b in range(len(u)):
        padded = np.concatenate([np.zeros((3, WIDE)), u[b]])
        state = np.zeros((WIDE, 3))
        for n in range(u.shape[1]):
            v = silu((padded[n : n + 4] * params['depthwise']['kernel']).sum(0) + params['depthwise']['bias'])
            step = np.log1p(np.exp(product(params['step_up'], product(params['step_down'], v)) + params['bias']))
            enter, leave = product(params['enter'], v), product(params['leave'], v)
            for f in range(WIDE):
                state[f] = np.exp(-step[f] * np.exp(params['scale'][f])) * state[f] + step[f] * enter * v[f]
                y[b, n, f] = leave @ state[f] + params['gain'][f] * v[f]
    return y


def formula(x, causal):
    tokens = x.reshape(len(x), -1, 8).astype(np.float64)
    u = product(PARAMS['up'], tokens)
    mixed = scan(PARAMS['forward'], u)
    if not causal:
        mixed = mixed + scan(PARAMS['backward'], u[:, ::-1])[:, ::-1]
    return product(PARAMS['output'], silu(product(PARAMS['gate'], tokens)) * mixed).reshape(x.shape)


@pytest.mark.parametrize(
    ('x', 'causal'), [(SEQUENCE, True), (SEQUENCE, False), (MAP, False)], ids=['causal', 'both ways', 'map']
)
def test_formula(alone, x, causal):
    y = alone('mixer', KIND, FIELDS, PARAMS, x, causal=causal)
    np.testing.assert_allclose(y, formula(x, causal), rtol=1e-5, atol=1e-5)


def step_by_step(u, step, rate, enter, leave):
    decay, taken = decay_and_taken(u, step, rate, enter)
    states = stepped(recurrence_step, jnp.zeros_like(taken[:, 0]), decay, taken)
    return jnp.einsum('bnfs,bns->bnf', states, leave)


@pytest.mark.parametrize(
    ('low', 'high', 'length'),
    [(0.001, 0.1, CHUNK), (0.001, 0.1, 2 * CHUNK + 44), (1.0, 50.0, 2 * CHUNK + 44)],
    ids=['one chunk', 'slow', 'forgets at once'],
)
def test_all_at_once_is_the_recurrence(low, high, length):
    u, enter, leave = numbers(1, length, 6), numbers(1, length, 4) / 2, numbers(1, length, 4) / 2
    step = GENERATOR.uniform(low, high, size=u.shape).astype(np.float32)
    rate = -np.exp(GENERATOR.uniform(0, 2, size=(6, 4))).astype(np.float32)
    given = (u / step.clip(1), step, rate, enter, leave)

    def value_and_slopes(way):
        def loss(*parts):
            y = way(*parts)
            return jnp.sin(y).mean(), y

        return jax.jit(jax.value_and_grad(loss, (0, 1, 2, 3, 4), has_aux=True))(*given)

    (_, y), slopes = value_and_slopes(selective_scan)
    (_, expected), expected_slopes = value_and_slopes(step_by_step)
    # A state sums over 300 tokens, an output over 4 states; a slope over both again.
    assert_same_numbers(expected, y, 304)
    for left, right in zip(slopes, expected_slopes, strict=True):
        assert np.isfinite(left).all()
        assert_same_numbers(right, left, 608)


def test_is_the_mixer_of_mamba_in_transformers(alone):
    torch = pytest.importorskip('torch')
    mamba = pytest.importorskip('transformers.models.mamba.modeling_mamba')
    torch.manual_seed(0)
    theirs = mamba.MambaMixer(mamba.MambaConfig(hidden_size=24, state_size=5, expand=2, conv_kernel=4), 0).eval()
    x = numbers(2, 21, 24)
    with torch.no_grad():
        for leaf in theirs.parameters():
            leaf.add_(0.2 * torch.randn_like(leaf))
        expected = theirs(torch.tensor(x)).numpy()
    given = {name: leaf.detach().numpy().T for name, leaf in theirs.named_parameters()}
    low, enter, leave = np.split(given['x_proj.weight'], [2, 7], axis=1)
    params = {
        'up': {'kernel': given['in_proj.weight'][:, :48]},
        'gate': {'kernel': given['in_proj.weight'][:, 48:]},
        'forward': {
            'depthwise': {'kernel': given['conv1d.weight'][:, 0], 'bias': given['conv1d.bias']},
            'step_down': {'kernel': low},
            'step_up': {'kernel': given['dt_proj.weight']},
            'bias': given['dt_proj.bias'],
            'enter': {'kernel': enter},
            'leave': {'kernel': leave},
            'scale': given['A_log'].T,
            'gain': given['D'],
        },
        'output': {'kernel': given['out_proj.weight']},
    }
    y = alone('mixer', KIND, {'state': 5}, params, x, causal=True)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


def drawn(knobs):
    block = Sockets({**PLAIN, 'mixer': {'kind': KIND, 'expand': 128}}, TABLES).make('mixer', name=None)

    @jax.jit
    def vectors():
        params = block.init({'params': jax.random.key(0)}, SEQUENCE, Context(knobs=knobs))['params']
        return {side: {name: params[side][name] for name in ('bias', 'scale', 'gain')} for side in ('forward', 'backward')}

    return vectors()


def test_first_steps_and_rates():
    params = drawn({})
    for side in ('forward', 'backward'):
        steps = np.log1p(np.exp(np.asarray(params[side]['bias'], np.float64)))
        np.testing.assert_allclose([steps.min(), steps.max()], [0.001, 0.1], rtol=0.03)
        np.testing.assert_allclose(np.median(steps), 0.01, rtol=0.3)  # the middle in logarithms
        np.testing.assert_allclose(np.exp(params[side]['scale']), np.tile(np.arange(1, 9), (1024, 1)), rtol=1e-5)
        np.testing.assert_array_equal(params[side]['gain'], 1)
    assert not np.array_equal(params['forward']['bias'], params['backward']['bias'])


def test_knobs_set_the_first_steps():
    bias = np.asarray(drawn({'step_low': jnp.float32(0.5), 'step_high': jnp.float32(0.5)})['forward']['bias'], np.float64)
    np.testing.assert_allclose(np.log1p(np.exp(bias)), 0.5, rtol=1e-5)


@pytest.mark.parametrize(
    ('fields', 'why'),
    [
        ({'state': 0}, 'state=0 is given, allowed is above 0'),
        ({'expand': 0.0}, 'expand=0.0 is given, allowed is above 0'),
        ({'kernel': 0}, 'kernel=0 is given, allowed is above 0'),
        ({'step_low': 0.0}, 'step_low=0.0 is given, allowed is above 0'),
        ({'step_low': 1.0}, 'step_low=1.0 and step_high=0.1 are given; allowed: step_low at most step_high'),
    ],
)
def test_errors(alone, fields, why):
    with pytest.raises(ValueError, match=why):
        alone('mixer', KIND, {**FIELDS, **fields}, PARAMS, SEQUENCE)
    with pytest.raises(ValueError, match=why):
        Sockets({**PLAIN, 'mixer': {'kind': KIND, **FIELDS, **fields}}, TABLES).make('mixer', name=None).check(8, True)


def test_slopes_of_a_long_sequence_take_a_tenth_of_the_memory(monkeypatch):
    """By XLA's own count of what lives beside inputs and outputs, against all positions at once; nothing is run."""
    length, features, state = 4096, 16, 16
    wide, narrow = ((1, length, size) for size in (features, state))
    given = [jax.ShapeDtypeStruct(shape, jnp.float32) for shape in (wide, wide, (features, state), narrow, narrow)]

    def taken():
        slopes = jax.grad(lambda *parts: jnp.square(selective_scan(*parts)).sum(), (0, 1, 2, 3, 4))
        return jax.jit(slopes).lower(*given).compile().memory_analysis().temp_size_in_bytes

    chunked = taken()
    monkeypatch.setattr(selective_state_space, 'CHUNK', length)
    assert chunked < taken() / 10
