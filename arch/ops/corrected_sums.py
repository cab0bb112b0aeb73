"""Corrected sums: states that fade channel by channel and may be corrected along one direction at every step, chunk by chunk.

A state S [D, E] follows S_n = diag(a_n) S_(n-1) + w_n^T (r_n S_(n-1)) + k_n^T v_n: what the vector r_n reads of the state
before is written along w_n. Without both it is gated linear attention (2312.06635). With r = a k and w = -b k it is the delta
rule on a state whose key channels fade each at a rate of its own (2510.26692); with r = -k' and w = a' k' it is the state of
RWKV-7 (2503.14456).
"""

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular

CHUNK = 16
"""The number of positions that meet each other directly, each pair with a decay for each channel."""


def corrected_sums(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    log_decay: jax.Array,
    read: jax.Array | None = None,
    write: jax.Array | None = None,
) -> jax.Array:
    """o_n = q_n S_n for every position, from S = 0: `[B, N, K, E]`.

    Values [B, N, K, E], all others [B, N, K, D], all float32. A decay's logarithm is at most 0, so no exponent is above 0. With
    corrections the positions of a chunk are solved for at once by a triangular system; |r| |w| of at most 1 keeps it stable.
    The backward pass computes each chunk again, so that the pairs of one chunk alone are in memory at a time.
    """
    length, chunk = query.shape[1], min(CHUNK, query.shape[1])

    def cut(part: jax.Array) -> jax.Array:
        """[B, N, K, D] to [chunks, B, K, n, D], with zeros behind."""
        part = jnp.pad(part, [(0, 0), (0, -length % chunk), (0, 0), (0, 0)])
        part = part.reshape(len(part), -1, chunk, *part.shape[2:])
        return jnp.moveaxis(jnp.moveaxis(part, 1, 0), 3, 2)

    upto = jnp.tril(jnp.ones((chunk, chunk), bool))[:, :, None]
    before = jnp.tril(jnp.ones((chunk, chunk), bool), -1)[:, :, None]

    def met(one: jax.Array, at: jax.Array, seen: jax.Array, others: tuple, total: jax.Array) -> list[jax.Array]:
        """one_n diag(exp(at_n - total_m)) other_m for the pairs that see each other, [B, K, n, m] of each other."""
        faded = jnp.exp(jnp.where(seen, at[..., :, None, :] - total[..., None, :, :], -jnp.inf))
        return [jnp.einsum('bknd,bknmd->bknm', one, faded * other[..., None, :, :]) for other in others]

    @jax.checkpoint
    def step(state: jax.Array, at: tuple) -> tuple[jax.Array, jax.Array]:
        query, key, value, log_decay, *correction = at
        total = jnp.cumsum(log_decay, -2)
        last = total[..., -1:, :]
        left = jnp.exp(last - total)
        after = jnp.swapaxes(jnp.exp(last), -1, -2) * state + jnp.swapaxes(key * left, -1, -2) @ value
        mixed = (query * jnp.exp(total)) @ state
        if not correction:
            (from_key,) = met(query, total, upto, (key,), total)
            return after, mixed + from_key @ value
        read, write = correction
        earlier = total - log_decay
        of_write, of_key = met(read, earlier, before, (write, key), total)
        known = (read * jnp.exp(earlier)) @ state + of_key @ value
        taken = solve_triangular(-of_write, known, lower=True, unit_diagonal=True)
        from_write, from_key = met(query, total, upto, (write, key), total)
        mixed = mixed + from_write @ taken + from_key @ value
        return after + jnp.swapaxes(write * left, -1, -2) @ taken, mixed

    parts = tuple(cut(part) for part in (query, key, value, log_decay, read, write) if part is not None)
    first = jnp.zeros((*parts[0].shape[1:3], query.shape[-1], value.shape[-1]), query.dtype)
    mixed = jax.lax.scan(step, first, parts)[1]
    mixed = jnp.moveaxis(jnp.moveaxis(mixed, 2, 3), 0, 1)
    return mixed.reshape(len(mixed), -1, *mixed.shape[3:])[:, :length]


def corrected_step(state: jax.Array, at: tuple) -> tuple[jax.Array, jax.Array]:
    """One position: S_n and o_n, from S_(n-1) and the position's parts in the order of `corrected_sums`."""
    query, key, value, log_decay, read, write = at
    after = jnp.exp(log_decay)[..., None] * state + key[..., None] * value[..., None, :]
    if read is not None:
        after = after + write[..., None] * jnp.einsum('bkd,bkde->bke', read, state)[..., None, :]
    return after, jnp.einsum('bkd,bkde->bke', query, after)
