"""Masking: a share of the tokens is hidden, and the model says what was there (BERT, 1810.04805; BEiT, 2106.08254)."""

import jax
import jax.numpy as jnp

SHARE = 0.5
"""Of tokens that are hidden: between the 15 % of BERT (1810.04805) and the 75 % of MAE (2111.06377)."""
SHOWN = -1
"""The target of a token that is not hidden."""


def hide(key: jax.Array, x: jax.Array, share: jax.Array | float, mask: int) -> tuple[jax.Array, jax.Array]:
    """Sequences with `mask` for a share of the tokens behind the first, and the targets: `[B, N] -> [B, N], [B, N]`.

    All places are as likely, and as many are hidden in each sequence: the share of N - 1, rounded. A target is the token that
    was there; SHOWN elsewhere.
    """
    count = x.shape[1] - 1
    places = jnp.broadcast_to(jnp.arange(count), (len(x), count))
    hidden = jax.random.permutation(key, places, axis=1, independent=True) < jnp.round(share * count)
    hidden = jnp.pad(hidden, ((0, 0), (1, 0)))
    return jnp.where(hidden, mask, x), jnp.where(hidden, x, SHOWN)
