"""Decayed sums: states of keys and values that fade and can be corrected, chunk by chunk or position by position.

A state S [D, E] follows S_n = a_n S_(n-1) + k_n^T u_n with a decay a_n of one number for each head. In a plain sum u_n is the
value v_n (retention, 2307.08621; state-space duality, 2405.21060). By the delta rule u_n = b_n (v_n - a_n k_n S_(n-1)), so that
what stands at the key is replaced as far as the strength b_n says (2406.06484; with a decay 2412.06464).
"""

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular

CHUNK = 32
"""The number of positions that meet each other directly; a state carries what came before."""


def decayed_sums(
    query: jax.Array, key: jax.Array, value: jax.Array, log_decay: jax.Array, strength: jax.Array | None = None
) -> jax.Array:
    """o_n = q_n S_n for every position, from S = 0: `[B, N, K, E]`.

    Queries and keys [B, N, K, D], values [B, N, K, E], the logarithms of the decays and the strengths [B, N, K], all float32.
    A decay's logarithm is at most 0, so no exponent is above 0. With strengths it is the delta rule; there the positions of a
    chunk are solved for at once by a triangular system, which needs keys of length 1 at most to be stable.
    """
    length, chunk = query.shape[1], min(CHUNK, query.shape[1])

    def cut(part: jax.Array) -> jax.Array:
        """[B, N, K, ...] to [chunks, B, K, n, ...], with zeros behind."""
        part = jnp.pad(part, [(0, 0), (0, -length % chunk), *[(0, 0)] * (part.ndim - 2)])
        part = part.reshape(len(part), -1, chunk, *part.shape[2:])
        return jnp.moveaxis(jnp.moveaxis(part, 1, 0), 3, 2)

    query, key, value, log_decay = map(cut, (query, key, value, log_decay))
    total = jnp.cumsum(log_decay, -1)
    earlier = jnp.tril(jnp.ones((chunk, chunk), bool))[None, None, None]
    faded = jnp.exp(jnp.where(earlier, total[..., :, None] - total[..., None, :], -jnp.inf))
    scores = jnp.einsum('cbknd,cbkmd->cbknm', query, key) * faded
    taken, of_state = value, jnp.zeros_like(key)
    if strength is not None:
        strength = cut(strength)[..., None]
        before = jnp.where(earlier & ~jnp.eye(chunk, dtype=bool)[None, None, None], faded, 0.0)
        system = strength * jnp.einsum('cbknd,cbkmd->cbknm', key, key) * before
        known = strength * jnp.concatenate([value, key * jnp.exp(total)[..., None]], -1)
        solved = solve_triangular(system, known, lower=True, unit_diagonal=True)
        taken, of_state = solved[..., : value.shape[-1]], solved[..., value.shape[-1] :]
    entering = query * jnp.exp(total)[..., None]
    leaving = key * jnp.exp(total[..., -1:] - total)[..., None]
    decay = jnp.exp(total[..., -1])[..., None, None]

    def step(state: jax.Array, at: tuple) -> tuple[jax.Array, jax.Array]:
        taken, of_state, entering, scores, leaving, decay = at
        if strength is not None:
            taken = taken - of_state @ state
        mixed = entering @ state + scores @ taken
        return decay * state + jnp.swapaxes(leaving, -1, -2) @ taken, mixed

    first = jnp.zeros((*query.shape[1:3], query.shape[-1], value.shape[-1]), query.dtype)
    mixed = jax.lax.scan(step, first, (taken, of_state, entering, scores, leaving, decay))[1]
    mixed = jnp.moveaxis(jnp.moveaxis(mixed, 2, 3), 0, 1)
    return mixed.reshape(len(mixed), -1, *mixed.shape[3:])[:, :length]


def decayed_step(state: jax.Array, at: tuple) -> tuple[jax.Array, jax.Array]:
    """One position: S_n and o_n, from S_(n-1) and the position's parts in the order of `decayed_sums`."""
    query, key, taken, log_decay, strength = at
    state = jnp.exp(log_decay)[..., None, None] * state
    if strength is not None:
        taken = strength[..., None] * (taken - jnp.einsum('bkd,bkde->bke', key, state))
    state = state + key[..., :, None] * taken[..., None, :]
    return state, jnp.einsum('bkd,bkde->bke', query, state)


def first_state(query: jax.Array, value: jax.Array) -> jax.Array:
    """S = 0 before the first position, by queries [B, N, K, D] and values [B, N, K, E]: `[B, K, D, E]`."""
    return jnp.zeros((query.shape[0], *query.shape[2:], value.shape[-1]), query.dtype)
