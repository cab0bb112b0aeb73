"""Activations against their formulas in numpy."""

import math

import numpy as np
import pytest

from arch.activations import ACTIVATIONS

X = np.linspace(-6, 6, 60, dtype=np.float32).reshape(2, 5, 6)

OWN = {'star_relu': {'scale': np.float32(0.7), 'bias': np.float32(-0.3)}}
FORMULAS = {
    'gelu': lambda x: x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2))),
    'gelu_tanh': lambda x: x / (1 + np.exp(-2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    'relu': lambda x: np.where(x > 0, x, 0),
    'silu': lambda x: x / (1 + np.exp(-x)),
    'hard_swish': lambda x: np.where(x < -3, 0, np.where(x > 3, x, x * (x + 3) / 6)),
    'squared_relu': lambda x: np.where(x > 0, x**2, 0),
    'star_relu': lambda x: 0.7 * np.where(x > 0, x**2, 0) - 0.3,
    'tanh': lambda x: 1 - 2 / (np.exp(2 * x) + 1),
    'sigmoid': lambda x: 1 / (1 + np.exp(-x)),
}


def test_every_activation_has_a_formula():
    assert set(FORMULAS) == set(ACTIVATIONS)


@pytest.mark.parametrize('kind', ACTIVATIONS)
def test_formula(alone, kind):
    y = alone('activation', kind, {}, OWN.get(kind, {}), X)
    np.testing.assert_allclose(y, FORMULAS[kind](X.astype(np.float64)), rtol=1e-5, atol=1e-6)
