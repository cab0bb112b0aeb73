"""Positions against their formulas in numpy, and what makes rotary positions relative."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ablations.tasks.bases import decoder
from arch.context import Context
from arch.model import build
from arch.model_sockets import Sockets
from arch.ops.places import places
from arch.past import Past
from arch.positions import POSITIONS, Alibi, Learned, Rotary
from arch.probe import PLAIN
from arch.sockets import TABLES

GENERATOR = np.random.default_rng(0)


def test_every_position_is_tested_here():
    assert set(POSITIONS) == {'none', 'learned', 'sinusoidal', 'rotary', 'alibi', 'convolutional'}


def test_none_adds_nothing(alone):
    x = GENERATOR.normal(size=(2, 3, 4)).astype(np.float32)
    np.testing.assert_array_equal(alone('position', 'none', {}, {}, x), x)


@pytest.mark.parametrize('shape', [(2, 5, 4), (2, 2, 3, 4)])
def test_learned_adds_a_row_to_each_position(alone, shape):
    x = GENERATOR.normal(size=shape).astype(np.float32)
    table = GENERATOR.normal(size=(7, 4)).astype(np.float32)
    y = alone('position', 'learned', {'length': 7}, {'embedding': table}, x)
    rows = table[: np.prod(shape[1:-1])].reshape(shape[1:])
    np.testing.assert_allclose(y, x + rows, rtol=1e-6)


@pytest.mark.parametrize('shape', [(2, 5, 4), (2, 2, 3, 4)])
def test_spared_positions_are_told_nothing_and_do_not_count(alone, shape):
    x, table = GENERATOR.normal(size=shape).astype(np.float32), GENERATOR.normal(size=(4, 4)).astype(np.float32)
    y = alone('position', 'learned', {'length': 4, 'spared': 2}, {'embedding': table}, x)
    count = int(np.prod(shape[1:-1])) - 2
    rows = np.concatenate([np.zeros((2, 4)), table[:count]]).reshape(shape[1:])
    np.testing.assert_allclose(y, x + rows, rtol=1e-6)
    for spared in (-1, count + 2):
        with pytest.raises(ValueError, match=rf'spared={spared} on an input of {count + 2} positions; allowed: 0'):
            alone('position', 'learned', {'length': 9, 'spared': spared}, {}, x)


def test_one_token_is_told_the_row_of_its_place():
    table, at = GENERATOR.normal(size=(4, 3)).astype(np.float32), jnp.asarray([0, 1, 3])
    past = Past(at=at, place=at, live=at >= 0, room=5, length=5)
    y = Learned(length=4, spared=1).apply({'params': {'embedding': table}}, jnp.zeros((3, 1, 3)), Context(past=past))
    np.testing.assert_allclose(y[:, 0], np.stack([0 * table[0], table[0], table[2]]))
    with pytest.raises(ValueError, match='the input has 5 positions, the table length=4'):
        Learned(length=4).apply({'params': {'embedding': table}}, jnp.zeros((3, 1, 3)), Context(past=past))


def test_learned_refuses_a_sequence_longer_than_its_table(alone):
    with pytest.raises(ValueError, match='the input has 9 positions, the table length=7; give length=9'):
        alone('position', 'learned', {'length': 7}, {}, np.zeros((1, 9, 4), np.float32))


def waves(position, channels, base):
    """One channel at a time."""
    speeds = [position / base ** (2 * (channel // 2) / channels) for channel in range(channels)]
    return [math.cos(angle) if channel % 2 else math.sin(angle) for channel, angle in enumerate(speeds)]


def test_sinusoidal_adds_waves(alone):
    x = GENERATOR.normal(size=(2, 5, 6)).astype(np.float32)
    y = alone('position', 'sinusoidal', {'base': 100.0}, {}, x)
    np.testing.assert_allclose(y, x + np.array([waves(n, 6, 100.0) for n in range(5)]), rtol=1e-5, atol=1e-5)


def test_sinusoidal_tells_rows_and_columns_apart_on_maps(alone):
    x = GENERATOR.normal(size=(2, 3, 5, 8)).astype(np.float32)
    y = alone('position', 'sinusoidal', {}, {}, x)
    added = [[waves(row, 4, 1e4) + waves(column, 4, 1e4) for column in range(5)] for row in range(3)]
    np.testing.assert_allclose(y, x + np.array(added), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(('shape', 'parts'), [((1, 4, 3), 2), ((1, 2, 2, 6), 4)])
def test_sinusoidal_needs_a_width_that_splits_into_pairs(alone, shape, parts):
    message = f'width={shape[-1]} does not split into {parts} equal parts; allowed: multiples of {parts}; change width'
    with pytest.raises(ValueError, match=message):
        alone('position', 'sinusoidal', {}, {}, np.zeros(shape, np.float32))


def test_rotary_turns_pairs_as_complex_numbers():
    x = GENERATOR.normal(size=(2, 6, 3, 8)).astype(np.float32)
    turned = Rotary(base=100.0).rotation(jnp.asarray(x), (6,))
    pairs = x[..., :4].astype(np.float64) + 1j * x[..., 4:]
    speed = 100.0 ** (-np.arange(4) / 4)
    expected = pairs * np.exp(1j * np.arange(6)[:, None, None] * speed)
    np.testing.assert_allclose(turned, np.concatenate([expected.real, expected.imag], -1), rtol=1e-5, atol=1e-5)


def test_rotary_scores_depend_on_the_distance_alone():
    query, key = GENERATOR.normal(size=(2, 8)).astype(np.float32)

    def turned(vector, spatial):
        count = int(np.prod(spatial))
        x = jnp.broadcast_to(jnp.asarray(vector)[None, None, None], (1, count, 1, 8))
        return np.asarray(Rotary().rotation(x, spatial))[0, :, 0].reshape(*spatial, 8)

    q, k = turned(query, (9,)), turned(key, (9,))
    np.testing.assert_allclose(q[5] @ k[3], q[7] @ k[5], rtol=1e-4)
    assert abs(q[5] @ k[3] - q[5] @ k[4]) > 1e-3
    q, k = turned(query, (4, 5)), turned(key, (4, 5))
    np.testing.assert_allclose(q[1, 2] @ k[0, 4], q[3, 1] @ k[2, 3], rtol=1e-4)
    assert abs(q[1, 2] @ k[0, 4] - q[1, 2] @ k[1, 4]) > 1e-3
    assert abs(q[1, 2] @ k[0, 4] - q[1, 2] @ k[0, 3]) > 1e-3


@pytest.mark.parametrize(('size', 'spatial', 'parts'), [(3, (4,), 2), (6, (2, 2), 4)])
def test_rotary_needs_a_head_size_that_splits_into_pairs(size, spatial, parts):
    with pytest.raises(ValueError, match=f'the head size {size} does not split into {parts} equal parts; allowed'):
        Rotary().rotation(jnp.zeros((1, 4, 1, size)), spatial)


SLOPES = {
    1: [1 / 256],
    2: [1 / 16, 1 / 256],
    3: [1 / 16, 1 / 256, 1 / 4],
    6: [1 / 4, 1 / 16, 1 / 64, 1 / 256, 1 / 2, 1 / 8],
    8: [1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 128, 1 / 256],
    12: [2.0 ** -(n + 1) for n in range(8)] + [2.0 ** -(n + 0.5) for n in range(4)],
}
"""By hand: a power of two divides 2^-8 into equal ratios; the rest are every second of twice as many."""


@pytest.mark.parametrize('heads', SLOPES)
def test_alibi_falls_by_the_slope_of_each_head(heads):
    where = places((5,))
    bias = Alibi().score_bias(where[None, :] - where[:, None], heads)
    expected = [[[-slope * abs(n - m) for m in range(5)] for n in range(5)] for slope in SLOPES[heads]]
    np.testing.assert_allclose(bias, expected, rtol=1e-6)


def test_alibi_is_euclidean_on_maps():
    bias = np.asarray(Alibi().score_bias(np.array([[3, -4], [0, 0], [-1, 1]]), 2))
    np.testing.assert_allclose(bias[1], [-5 / 256, 0, -math.sqrt(2) / 256], rtol=1e-6)


@pytest.mark.parametrize(('kind', 'fields'), [('attention', {}), ('sliding_window_attention', {'window': 9})])
@pytest.mark.parametrize('causal', [False, True])
def test_alibi_biases_the_scores_of_attention(alone, kind, fields, causal):
    """With queries of zeros the weights are those of the biases alone."""
    x = GENERATOR.normal(size=(2, 5, 4)).astype(np.float32)
    eye = {'kernel': np.eye(4, dtype=np.float32)}
    params = {'query': {'kernel': np.zeros((4, 4), np.float32)}, 'key': eye, 'value': eye, 'output': eye}
    y = alone('mixer', kind, {**fields, 'heads': 2, 'biases': 'none'}, params, x, bias=Alibi().score_bias, causal=causal)
    for n, head in np.ndindex(5, 2):
        part, last = slice(2 * head, 2 * head + 2), n + 1 if causal else 5
        weights = np.array([math.exp(-SLOPES[2][head] * abs(n - m)) for m in range(last)])
        expected = np.einsum('m,bmd->bd', weights / weights.sum(), x[:, :last, part])
        np.testing.assert_allclose(y[:, n, part], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('shape', [(5,), (2, 3)], ids=['tokens', 'maps'])
@pytest.mark.parametrize('kind', [kind for kind, cls in TABLES['mixer'].items() if 'bias' in cls.TAKES])
def test_a_bias_is_asked_for_the_steps_from_query_to_key(kind, shape):
    """A kind of a user's own may bias what lies behind otherwise than what lies ahead."""
    given, x = [], jnp.zeros((2, *shape, 8))

    def bias(steps: np.ndarray, heads: int) -> jax.Array:
        given.append(np.asarray(steps))
        return jnp.zeros((heads, *steps.shape[:-1]))

    block = Sockets({**PLAIN, 'mixer': {'kind': kind}}, TABLES).make('mixer', name=None)
    try:
        jax.eval_shape(lambda x: block.init(jax.random.key(0), x, Context(bias=bias)), x)
    except ValueError as error:
        assert 'allowed' in str(error) or 'map' in str(error)
        return
    where = np.stack(np.meshgrid(*map(np.arange, shape), indexing='ij'), -1).reshape(-1, len(shape))
    assert given and all((steps == where[None, :] - where[:, None]).all() for steps in given)


def test_alibi_changes_no_input_and_needs_scores(alone):
    x = GENERATOR.normal(size=(2, 3, 4)).astype(np.float32)
    np.testing.assert_array_equal(alone('position', 'alibi', {}, {}, x), x)
    base = decoder(vocabulary=5, length=6, width=8, depth=1, mixer={'kind': 'pool'}, ratio=2.0)
    message = r"position 'alibi' adds a bias to the scores of attention; mixer 'pool' has none; allowed with it: \['attention'"
    with pytest.raises(ValueError, match=message):
        build({**base, 'position': {'kind': 'alibi'}})


def filtered(x, kernel, bias, causal):
    """One position and one tap at a time, what lies outside is 0."""
    y = x.astype(np.float64) + bias
    for place in np.ndindex(*x.shape[1:-1]):
        for tap in np.ndindex(*kernel.shape[:-1]):
            back = (len(kernel) - 1) if causal else len(kernel) // 2
            other = tuple(p + t - back for p, t in zip(place, tap, strict=True))
            if all(0 <= o < n for o, n in zip(other, x.shape[1:-1], strict=True)):
                y[(slice(None), *place)] += x[(slice(None), *other)] * kernel[tap].astype(np.float64)
    return y


@pytest.mark.parametrize(
    ('shape', 'size', 'causal'), [((2, 6, 4), 3, False), ((2, 6, 4), 3, True), ((2, 6, 4), 4, True), ((2, 4, 3, 4), 5, False)]
)
def test_convolutional_adds_a_filtered_input(alone, shape, size, causal):
    x, bias = GENERATOR.normal(size=shape).astype(np.float32), GENERATOR.normal(size=4).astype(np.float32)
    kernel = GENERATOR.normal(size=(*[size] * (len(shape) - 2), 4)).astype(np.float32)
    params = {'depthwise': {'kernel': kernel, 'bias': bias}}
    y = alone('position', 'convolutional', {'kernel': size}, params, x, causal=causal)
    np.testing.assert_allclose(y, filtered(x, kernel, bias, causal), rtol=1e-5, atol=1e-5)


def test_convolutional_tells_positions_of_equal_tokens_apart_by_the_border(alone):
    params = {'depthwise': {'kernel': np.ones((3, 4), np.float32), 'bias': np.zeros(4, np.float32)}}
    y = alone('position', 'convolutional', {}, params, np.ones((1, 5, 4), np.float32))
    np.testing.assert_allclose(y[0, :, 0], [3, 4, 4, 4, 3])


def test_convolutional_needs_a_middle_outside_causal_bodies(alone):
    x = np.zeros((1, 5, 4), np.float32)
    message = "position 'convolutional': kernel=4 is even and has no middle; allowed: odd sizes; use 3 or 5"
    with pytest.raises(ValueError, match=message):
        alone('position', 'convolutional', {'kernel': 4}, {}, x)
    with pytest.raises(ValueError, match="position 'convolutional': kernel=0 is given, allowed is above 0"):
        alone('position', 'convolutional', {'kernel': 0}, {}, x)
