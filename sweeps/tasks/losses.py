"""Losses: from scores and targets to a loss and a metric per example, `[B]` each, losses in nats.

Each takes `label_smoothing` (1512.00567), the share of a target that is spread over all V outputs, traced or not; None is off
and adds nothing to the program. It does not change a metric, unless the metric is the loss itself; evaluation passes none.
"""

import math

import jax
import jax.numpy as jnp

BITS_PER_NAT = 1 / math.log(2)
KNOBS = {'label_smoothing': 0.0, 'z_loss': 0.0}
"""Tunable values of all losses, with their values where a study does not tune them."""


def _log_likelihood(scores: jax.Array, y: jax.Array, label_smoothing: jax.Array | None) -> jax.Array:
    """Log-likelihood of the targets: (1 - s) log p_y + s mean_v log p_v. scores `[..., V]`, y `[...] -> [...]`."""
    logs = jax.nn.log_softmax(scores.astype(jnp.float32))
    picked = jnp.take_along_axis(logs, y[..., None], -1)[..., 0]
    return picked if label_smoothing is None else (1 - label_smoothing) * picked + label_smoothing * logs.mean(-1)


def z_loss(scores: jax.Array) -> jax.Array:
    """The mean square of log sum exp of the scores (2204.02311, section 5): it holds them near 0. `[..., V] -> []`

    >>> round(float(z_loss(jnp.zeros((3, 4)))), 4) == round(math.log(4) ** 2, 4)
    True
    """
    return (jax.nn.logsumexp(scores.astype(jnp.float32), axis=-1) ** 2).mean()


def classification(scores: jax.Array, y: jax.Array, label_smoothing: jax.Array | None = None) -> tuple[jax.Array, jax.Array]:
    """Cross-entropy and correctness of classes: scores `[B, V]`, y `[B] -> [B], [B]`."""
    return -_log_likelihood(scores, y, label_smoothing), (scores.argmax(-1) == y).astype(jnp.float32)


def _tokens(scores: jax.Array, y: jax.Array, label_smoothing: jax.Array | None) -> tuple[jax.Array, jax.Array]:
    """Mean cross-entropy and share of right tokens where y >= 0: scores `[B, N, V]`, y `[B, N] -> [B], [B]`."""
    asked = y >= 0
    picked = _log_likelihood(scores, jnp.maximum(y, 0), label_smoothing)
    count = jnp.maximum(asked.sum(-1), 1)
    loss = -jnp.where(asked, picked, 0).sum(-1) / count
    return loss, (asked & (scores.argmax(-1) == y)).sum(-1) / count


def next_token(scores: jax.Array, y: jax.Array, label_smoothing: jax.Array | None = None) -> tuple[jax.Array, jax.Array]:
    """Mean cross-entropy per token, as loss and as metric: scores `[B, N, V]`, y `[B, N] -> [B], [B]`."""
    loss, _ = _tokens(scores, y, label_smoothing)
    return loss, loss


def answers(scores: jax.Array, y: jax.Array, label_smoothing: jax.Array | None = None) -> tuple[jax.Array, jax.Array]:
    """Mean cross-entropy and share of right answers where y >= 0: scores `[B, N, V]`, y `[B, N] -> [B], [B]`."""
    return _tokens(scores, y, label_smoothing)
