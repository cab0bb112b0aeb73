"""The adaptive norm against its formula in numpy."""

import numpy as np
import pytest

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(2, 3, 4)).astype(np.float32)
ADAPT = {'kernel': GENERATOR.normal(size=(4, 8)).astype(np.float32), 'bias': GENERATOR.normal(size=8).astype(np.float32)}


@pytest.mark.parametrize('causal', [True, False])
@pytest.mark.parametrize('shape', [(2, 3, 4), (6, 4)])
def test_adaptive_layer_norm(alone, shape, causal):
    """The condition is the mean over all positions, or in a causal body over those up to each; one vector is its own mean."""
    x = X.reshape(shape)
    y = alone('norm', 'adaptive_layer_norm', {'eps': 0.1}, {'adapt': ADAPT}, x, causal=causal)
    rows = x.reshape(len(x), -1, 4).astype(np.float64)
    mean = np.cumsum(rows, 1) / np.arange(1, rows.shape[1] + 1)[:, None] if causal else rows.mean(1, keepdims=True)
    scale, shift = np.split(mean / (1 + np.exp(-mean)) @ ADAPT['kernel'] + ADAPT['bias'], 2, -1)
    normed = (rows - rows.mean(-1, keepdims=True)) / np.sqrt(rows.var(-1, keepdims=True) + 0.1)
    np.testing.assert_allclose(y, ((1 + scale) * normed + shift).reshape(shape), rtol=1e-4, atol=1e-5)


def test_it_starts_as_a_plain_layer_norm(alone):
    zeros = {name: np.zeros_like(value) for name, value in ADAPT.items()}
    own = alone('norm', 'adaptive_layer_norm', {}, {'adapt': zeros}, X)
    plain = alone('norm', 'layer_norm', {}, {'scale': np.ones(4, np.float32), 'bias': np.zeros(4, np.float32)}, X)
    np.testing.assert_allclose(own, plain, rtol=1e-5, atol=1e-6)
