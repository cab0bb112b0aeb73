"""Losses: from scores and targets to a loss and a metric per example, `[B]` each, losses in nats."""

import jax
import jax.numpy as jnp


def classification(scores: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Cross-entropy and correctness of classes: scores `[B, V]`, y `[B] -> [B], [B]`."""
    picked = jnp.take_along_axis(jax.nn.log_softmax(scores.astype(jnp.float32)), y[:, None], -1)[:, 0]
    return -picked, (scores.argmax(-1) == y).astype(jnp.float32)


def _tokens(scores: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    asked = y >= 0
    picked = jnp.take_along_axis(jax.nn.log_softmax(scores.astype(jnp.float32)), jnp.maximum(y, 0)[..., None], -1)[..., 0]
    count = jnp.maximum(asked.sum(-1), 1)
    loss = -jnp.where(asked, picked, 0).sum(-1) / count
    right = (asked & (scores.argmax(-1) == y)).sum(-1) / count
    return loss, right, count


def next_token(scores: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Mean cross-entropy per token, as loss and as metric: scores `[B, N, V]`, y `[B, N] -> [B], [B]`."""
    loss, _, _ = _tokens(scores, y)
    return loss, loss


def answers(scores: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Mean cross-entropy and share of right answers where y >= 0: scores `[B, N, V]`, y `[B, N] -> [B], [B]`."""
    loss, right, _ = _tokens(scores, y)
    return loss, right
