"""Contrast: each example of a pair is to be nearest to the other one (InfoNCE, 1807.03748; symmetric as in 2103.00020)."""

import jax
import jax.numpy as jnp

TEMPERATURE = 0.1
"""By which reported losses divide similarities, whatever was tuned."""


def directions(scores: jax.Array) -> jax.Array:
    """Vectors of length one: `[B, D] -> [B, D]`."""
    scores = scores.astype(jnp.float32)
    return scores * jax.lax.rsqrt((scores**2).sum(-1, keepdims=True) + 1e-12)


def contrast(scores: jax.Array, scene: jax.Array, modality: jax.Array, temperature: jax.Array | float) -> jax.Array:
    """Nats to tell the partner of each example among the others of its side: `[B, D], [B], [B] -> [B]`.

    Examples 0 and 1 are a pair, 2 and 3, and so on. The candidates of an example are its partner and those of the other side
    that have the partner's modality and another scene. An example without a partner, at the end of an odd batch or beside
    another scene, has the loss 0.
    """
    number = jnp.arange(len(scores))
    partner = jnp.minimum(number ^ 1, len(scores) - 1)
    toward = directions(scores)
    similar = toward @ toward.T / temperature
    is_partner = number[None] == partner[:, None]
    opposite = (number[None] % 2) != (number[:, None] % 2)
    rival = opposite & (modality[None] == modality[partner][:, None]) & (scene[None] != scene[:, None])
    logits = jnp.where(is_partner | rival, similar, -jnp.inf)
    paired = (partner != number) & (scene[partner] == scene)
    own = similar[number, partner]
    return jnp.where(paired, jax.nn.logsumexp(jnp.where(paired[:, None], logits, 0.0), axis=-1) - own, 0.0)
