"""Recurrence: a state with a decay and an input at every step, computed in parallel, or one position after the other."""

import jax


def recurrence(decay: jax.Array, taken: jax.Array) -> jax.Array:
    """h_n = decay_n h_(n-1) + taken_n from h = 0 before the first step, by a tree of depth log N (Blelloch 1990).

    `[B, N, ...] -> [B, N, ...]`, both of one shape. Products of decays between 0 and 1 only shrink, and nothing is divided.
    """

    def one_after_the_other(first: tuple, second: tuple) -> tuple:
        return first[0] * second[0], first[1] * second[0] + second[1]

    return jax.lax.associative_scan(one_after_the_other, (decay, taken), axis=1)[1]


def recurrence_step(state: jax.Array, at: tuple) -> tuple[jax.Array, jax.Array]:
    """One position: h_n twice, as the next state and as what is told, from h_(n-1) and the position's decay and input."""
    state = at[0] * state + at[1]
    return state, state
