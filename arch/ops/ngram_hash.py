"""N-gram hashes: a number for the last n tokens at each position, by which a table of few rows serves all n-grams."""

import jax
import jax.numpy as jnp

BASE = 0x01000193
"""The base of the polynomial; odd, so that no token's share of it is lost modulo 2^32."""


def ngram_hashes(ids: jax.Array, size: int) -> jax.Array:
    """The hash of the `size` tokens that end at each position: ids `[B, N]` to uint32 `[B, N]`.

    A polynomial of the tokens modulo 2^32, whose bits are then mixed. It starts with the size, so that sizes share no hash but
    by chance; before the first token stand marks that are no token. Equal n-grams have one hash in every text and place.

    >>> a, b = ngram_hashes(jnp.array([[5, 6, 5, 6], [5, 6, 7, 6]]), 2)
    >>> bool(a[1] == a[3]), bool(a[1] == b[1]), bool(a[1] == a[2]), bool(a[0] == b[0])
    (True, True, False, True)
    """
    tokens = ids.astype(jnp.uint32) + 1
    hashes = jnp.full(ids.shape, size, jnp.uint32)
    for back in reversed(range(size)):
        hashes = hashes * jnp.uint32(BASE) + jnp.pad(tokens, ((0, 0), (back, 0)))[:, : ids.shape[1]]
    # The last bits of a polynomial depend on little; these are the steps by which MurmurHash3 ends.
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        hashes = (hashes ^ (hashes >> shift)) * jnp.uint32(factor)
    return hashes ^ (hashes >> 16)
