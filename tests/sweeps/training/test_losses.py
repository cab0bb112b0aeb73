"""Losses: against sums over the outputs in numpy, smoothed and not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sweeps.tasks.losses import answers, classification, next_token

RNG = np.random.default_rng(0)
CLASSES = RNG.normal(size=(5, 7)).astype(np.float32) * 3, RNG.integers(0, 7, 5)
TOKENS = RNG.normal(size=(3, 4, 7)).astype(np.float32) * 3, RNG.integers(0, 7, (3, 4))
ASKED = TOKENS[0], np.where(RNG.random((3, 4)) < 0.5, -1, TOKENS[1])
CASES = [(classification, CLASSES), (next_token, TOKENS), (answers, TOKENS), (answers, ASKED)]
IDS = ['classification', 'next token', 'answers', 'answers where asked']


def smoothed(scores: np.ndarray, y: np.ndarray, share: float) -> np.ndarray:
    """Cross-entropy against (1 - share) of the target and share spread over all outputs; the mean where y >= 0. `[B]`."""
    scores = scores.astype(np.float64)
    logs = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    targets = (1 - share) * np.eye(scores.shape[-1])[y] + share / scores.shape[-1]
    each = -(targets * logs).sum(-1).reshape(len(y), -1)
    asked = (y >= 0).reshape(len(y), -1)
    return (each * asked).sum(1) / np.maximum(asked.sum(1), 1)


@pytest.mark.parametrize('share', [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize(('loss', 'case'), CASES, ids=IDS)
def test_smoothed_loss_is_the_sum_over_outputs(loss, case, share):
    traced = jax.jit(lambda s: loss(jnp.asarray(case[0]), jnp.asarray(case[1]), s)[0])
    np.testing.assert_allclose(traced(jnp.float32(share)), smoothed(*case, share), rtol=1e-5)


@pytest.mark.parametrize(('loss', 'case'), CASES, ids=IDS)
def test_without_smoothing_it_is_cross_entropy(loss, case):
    np.testing.assert_allclose(loss(jnp.asarray(case[0]), jnp.asarray(case[1]))[0], smoothed(*case, 0.0), rtol=1e-5)


@pytest.mark.parametrize(('loss', 'case'), [CASES[0], *CASES[2:]], ids=[IDS[0], *IDS[2:]])
def test_accuracy_knows_of_no_smoothing(loss, case):
    scores, y = case
    asked = (y >= 0).reshape(len(y), -1)
    right = ((scores.argmax(-1) == y).reshape(len(y), -1) & asked).sum(1) / np.maximum(asked.sum(1), 1)
    for share in (None, 0.3):
        np.testing.assert_allclose(loss(jnp.asarray(scores), jnp.asarray(y), share)[1], right, rtol=1e-6)


def test_all_smoothed_away_prefers_no_output():
    """With everything spread over the outputs the best scores are equal ones, whatever the target."""
    gradient = jax.grad(lambda scores: classification(scores, jnp.arange(3), 1.0)[0].sum())(jnp.zeros((3, 7)))
    np.testing.assert_allclose(gradient, np.zeros((3, 7)), atol=1e-7)
