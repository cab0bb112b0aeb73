"""Softmax over the last axis, with its own derivative."""

import jax
import jax.numpy as jnp


@jax.custom_vjp
def softmax(x: jax.Array) -> jax.Array:
    """exp(x) / sum(exp(x)) along the last axis, where -inf has no weight: `[..., N] -> [..., N]`.

    Not a number where a whole row is -inf. For the backward pass the result alone is kept.
    """
    raised = jnp.exp(x - x.max(-1, keepdims=True))
    return raised / raised.sum(-1, keepdims=True)


def _forward(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    weights = softmax(x)
    return weights, weights


def _backward(weights: jax.Array, slope: jax.Array) -> tuple[jax.Array]:
    """Where w are the weights: w (slope - sum(w slope))."""
    return (weights * (slope - (weights * slope).sum(-1, keepdims=True)),)


softmax.defvjp(_forward, _backward)
