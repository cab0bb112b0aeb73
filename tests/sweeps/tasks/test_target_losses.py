"""Losses by hand: what is asked of few tokens, what smoothing spreads, and units where there is little to count."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from sweeps.tasks.language import language, scale_of
from sweeps.tasks.losses import answers, classification, next_token

SCORES = np.array([[[2.0, 0.0, -1.0], [0.5, 1.0, 0.0]], [[0.0, 0.0, 0.0], [3.0, 1.0, 2.0]]])
LOGS = SCORES - np.log(np.exp(SCORES).sum(-1, keepdims=True))


@pytest.mark.parametrize('smoothing', [None, 0.25])
def test_one_asked_token_is_the_whole_loss_and_none_is_no_loss(smoothing: float | None):
    own = LOGS[0, 1, 2] if smoothing is None else 0.75 * LOGS[0, 1, 2] + 0.25 * LOGS[0, 1].mean()
    y = jnp.array([[-1, 2], [-1, -1]])
    loss, right = answers(jnp.asarray(SCORES), y, smoothing)
    assert loss.tolist() == pytest.approx([-own, 0.0], rel=1e-5) and right.tolist() == [0, 0]
    loss, metric = next_token(jnp.asarray(SCORES), y, smoothing)
    assert loss.tolist() == metric.tolist() == pytest.approx([-own, 0.0], rel=1e-5)
    # Half a token an example: less than one is no share of one.
    loss, metric = language(jnp.asarray(SCORES), y, smoothing)
    assert loss.tolist() == pytest.approx([-own, 0.0], rel=1e-5) and metric.tolist() == pytest.approx([-own / 2, 0.0], rel=1e-5)


@pytest.mark.parametrize('smoothing', [None, 0.25])
def test_a_class_is_right_or_wrong_and_its_loss_is_smoothed(smoothing: float | None):
    y = np.array([0, 2])
    picked = LOGS[:, 1][np.arange(2), y]
    wanted = picked if smoothing is None else 0.75 * picked + 0.25 * LOGS[:, 1].mean(-1)
    loss, right = classification(jnp.asarray(SCORES[:, 1]), jnp.asarray(y), smoothing)
    np.testing.assert_allclose(loss, -wanted, rtol=1e-5)
    assert right.tolist() == [0, 0] and classification(jnp.asarray(SCORES[:, 1]), jnp.array([1, 0]))[1].tolist() == [1, 1]


def test_tokens_count_alike_in_a_batch_of_language():
    loss, metric = language(jnp.asarray(SCORES), jnp.array([[0, 1], [2, -1]]))
    nats = -LOGS[0, 0, 0] - LOGS[0, 1, 1], -LOGS[1, 0, 2]
    assert float(loss.mean()) == pytest.approx(sum(nats) / 3, rel=1e-5)
    assert metric.tolist() == pytest.approx([nats[0] / 2, nats[1] / 2], rel=1e-5)


@pytest.mark.parametrize(
    ('tokens', 'in_bytes', 'scale'),
    [(4, None, 2.0), (1, None, 8.0), (0, None, 8.0), (4, 2, 4 / math.log(2)), (0, 0, 8 / math.log(2))],
)
def test_the_scale_is_places_over_what_is_asked(tokens: int, in_bytes: int | None, scale: float):
    assert scale_of(8, tokens, in_bytes) == pytest.approx(scale)
