"""Finite scalar quantisation against numpy: the bound, the levels that are reached, the gradient, and the numbers of codes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from arch.ops.scalar_quantization import MOST_LEVELS, book_size, bounded, code_numbers, quantized

LEVELS = (8, 5, 2, 3)
Z = np.random.default_rng(0).normal(scale=2.0, size=(6, 7, len(LEVELS))).astype(np.float32)


def rounded(z: float, levels: int) -> float:
    """One channel in Python's own numbers, after the listing in appendix A.1."""
    half = (levels - 1) * 0.999 / 2
    if levels % 2:
        return round(np.tanh(z) * half) / (levels // 2)
    return round(np.tanh(z + np.tan(0.5 / half)) * half - 0.5) / (levels // 2)


def test_against_numpy():
    expected = [[[rounded(z, levels) for z, levels in zip(row, LEVELS, strict=True)] for row in rows] for rows in Z]
    np.testing.assert_allclose(quantized(jnp.asarray(Z), LEVELS), expected, rtol=1e-6)
    assert len(np.unique(np.asarray(expected).reshape(-1, len(LEVELS)), axis=0)) > 20


@pytest.mark.parametrize('levels', [2, 3, 4, 5, 7, 8, 16, 255, MOST_LEVELS - 1, MOST_LEVELS])
def test_all_levels_are_reached_and_no_other(levels):
    z = jnp.linspace(-12, 12, 40_001)[:, None]
    codes = np.unique(np.asarray(quantized(z, (levels,))))
    first = -(levels // 2)
    np.testing.assert_allclose(codes, np.arange(first, first + levels) / (levels // 2), rtol=1e-6)
    assert np.unique(code_numbers(quantized(z, (levels,)), (levels,))).tolist() == list(range(levels))


def test_the_level_in_the_middle_is_that_of_0():
    assert quantized(jnp.zeros(9), (2, 3, 4, 5, 6, 7, 8, 9, 256)).tolist() == [0.0] * 9


def test_each_code_has_a_number_of_its_own():
    grids = np.meshgrid(*(np.arange(-(levels // 2), (levels + 1) // 2) / (levels // 2) for levels in LEVELS), indexing='ij')
    codes = np.stack(grids, -1).reshape(-1, len(LEVELS)).astype(np.float32)
    numbers = np.asarray(code_numbers(jnp.asarray(codes), LEVELS))
    assert sorted(numbers.tolist()) == list(range(book_size(LEVELS))) == list(range(240))
    assert code_numbers(jnp.asarray([-1.0, -1.0, -1.0, -1.0]), LEVELS) == 0
    assert code_numbers(jnp.asarray([-0.75, -1.0, -1.0, -1.0]), LEVELS) == 1


def test_the_gradient_is_that_without_rounding_and_small_changes_change_nothing():
    weights = jnp.asarray(np.random.default_rng(1).normal(size=Z.shape).astype(np.float32))
    half = np.asarray(LEVELS, np.float32).reshape(1, 1, -1) // 2
    slope = jax.grad(lambda z: (weights * quantized(z, LEVELS)).sum())(jnp.asarray(Z))
    smooth = jax.grad(lambda z: (weights * bounded(z, LEVELS) / half).sum())(jnp.asarray(Z))
    np.testing.assert_allclose(slope, smooth, rtol=1e-6)
    assert np.abs(slope).max() > 0.1
    far = np.abs(np.asarray(bounded(jnp.asarray(Z), LEVELS)) % 1 - 0.5) > 0.01  # of the edges between levels
    moved = np.asarray(quantized(jnp.asarray(Z + 1e-3), LEVELS) == quantized(jnp.asarray(Z), LEVELS))
    assert far.mean() > 0.9 and moved[far].all()
