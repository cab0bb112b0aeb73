"""Expert gates: which experts a position is given to, and how much each of them counts."""

import jax
import jax.numpy as jnp

SCORINGS = ('softmax', 'sigmoid')
SMALL = 1e-20
"""Added to sums of sigmoids, which may all be 0 in float32."""
BEST = 2
"""The experts of a group that speak for it: as many as are chosen of one group on average (2412.19437, section 2.1.2), which
is 2 in DeepSeek-V3, and 2 for all numbers in the code of transformers."""


def scores(logits: jax.Array, scoring: str) -> jax.Array:
    """What the router thinks of every expert, `[M, E] -> [M, E]`: a softmax over all of them, or a sigmoid of each."""
    return jax.nn.softmax(logits, axis=-1) if scoring == 'softmax' else jax.nn.sigmoid(logits)


def shares(scored: jax.Array, scoring: str) -> jax.Array:
    """The scores of each position divided by their sum, `[M, E] -> [M, E]`."""
    return scored if scoring == 'softmax' else scored / (scored.sum(-1, keepdims=True) + SMALL)


def in_best_groups(preferred: jax.Array, groups: int, top_groups: int) -> jax.Array:
    """What is preferred `[M, E]` within the best of `groups` equal groups of neighbouring experts, and -inf elsewhere.

    A group is as good as its two best experts together.

    >>> in_best_groups(jnp.array([[3.0, 0.0, 2.0, 2.0]]), 2, 1).tolist()
    [[-inf, -inf, 2.0, 2.0]]
    """
    if top_groups == groups:
        return preferred
    grouped = preferred.reshape(len(preferred), groups, -1)
    best = jax.lax.top_k(grouped, min(BEST, grouped.shape[-1]))[0].sum(-1)
    _, taken = jax.lax.top_k(best, top_groups)
    inside = jax.nn.one_hot(taken, groups, dtype=jnp.bool_).any(1)
    return jnp.where(inside[..., None], grouped, -jnp.inf).reshape(preferred.shape)


def gates(scored: jax.Array, preferred: jax.Array, top: int, scoring: str) -> tuple[jax.Array, jax.Array]:
    """The gates and the numbers of the `top` most preferred experts, `[M, E] -> [M, top]` each.

    A gate is the expert's score, divided by the sum of those chosen where they are more than one.
    """
    _, chosen = jax.lax.top_k(preferred, top)
    taken = jnp.take_along_axis(scored, chosen, -1)
    if top == 1:
        return taken, chosen
    return taken / (taken.sum(-1, keepdims=True) + (0.0 if scoring == 'softmax' else SMALL)), chosen


def balanced(bias: jax.Array, loads: jax.Array, step: float) -> jax.Array:
    """The biases `[E]` after a training step with these numbers of choices `[E]`: up where fewer than the mean, else down.

    bias + step sign(mean(loads) - loads) (2408.15664, algorithm 1).

    >>> balanced(jnp.zeros(3), jnp.array([4, 2, 0]), 0.5).tolist()
    [-0.5, 0.0, 0.5]
    """
    loads = loads.astype(jnp.float32)
    return bias + step * jnp.sign(loads.mean() - loads)
