"""Positions against their formulas in numpy, and what makes rotary positions relative."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from arch.positions import POSITIONS, Rotary

GENERATOR = np.random.default_rng(0)


def test_every_position_is_tested_here():
    assert set(POSITIONS) == {'none', 'learned', 'sinusoidal', 'rotary'}


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
    with pytest.raises(ValueError, match=f'the head size {size} does not split into {parts} equal parts; change heads'):
        Rotary().rotation(jnp.zeros((1, 4, 1, size)), spatial)
