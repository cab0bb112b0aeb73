"""Separable convolutions and random mixing against numpy: the mixers of ConvFormer and RandFormer."""

import jax
import numpy as np
import pytest

from arch.context import Context
from arch.model_sockets import Sockets
from arch.probe import PLAIN
from arch.sockets import TABLES

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(2, 5, 4)).astype(np.float32)


def matrix(*shape):
    return GENERATOR.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(('causal', 'before'), [(False, 1), (True, 2)])
def test_separable_conv(alone, causal, before):
    params = {'up': {'kernel': matrix(4, 6)}, 'depthwise': {'kernel': matrix(3, 6)}, 'down': {'kernel': matrix(6, 4)}}
    y = alone('mixer', 'separable_conv', {'kernel': 3, 'expand': 1.5}, params, X, causal=causal)
    # The lab's plainest activation around it is exact GELU.
    wide = np.asarray(jax.nn.gelu(X @ params['up']['kernel'], approximate=False), np.float64)
    beside = np.pad(wide, [(0, 0), (before, 2 - before), (0, 0)])
    filtered = sum(beside[:, tap : tap + 5] * params['depthwise']['kernel'][tap] for tap in range(3))
    np.testing.assert_allclose(y, filtered @ params['down']['kernel'], rtol=1e-4, atol=1e-5)


def mixed(x: np.ndarray, seed: int = 0, layer: int = 0) -> np.ndarray:
    block = Sockets({**PLAIN, 'mixer': {'kind': 'random_mixing', 'seed': seed}}, TABLES).make('mixer', name=None)
    return np.asarray(block.apply({}, x, Context(layer=layer)))


def test_random_mixing_is_a_mean_with_fixed_weights_of_its_seed_and_layer():
    weights = mixed(np.broadcast_to(np.eye(6, dtype=np.float32), (1, 6, 6)))[0]
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-5)
    # softmax of numbers in [0, 1): no weight is more than e times another.
    assert (weights.max(-1) / weights.min(-1)).max() < np.e and weights.std() > 0.01
    x = matrix(2, 2, 3, 4)
    np.testing.assert_allclose(mixed(x).reshape(2, 6, 4), weights @ x.reshape(2, 6, 4), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(mixed(x), mixed(x))
    assert np.abs(mixed(x) - mixed(x, seed=1)).max() > 1e-3 < np.abs(mixed(x) - mixed(x, layer=1)).max()
