"""Schedule-free AdamW (2405.15682): gradients at one point, steps at another, and scores at the mean of these."""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from sweeps.training.elementwise import ADAM, SHARED, Elementwise
from sweeps.training.role_knobs import of_role


class Points(NamedTuple):
    """Where the steps are, their weighted mean, which is what is scored, and the sum of the weights."""

    steps: dict
    scored: dict
    weights: jax.Array
    largest: jax.Array
    inner: object


class ScheduleFree(Elementwise):
    """Schedule-free AdamW (2405.15682): no learning rate that falls, the mean of all steps in its place.

    Gradients are those at y = b1 x + (1 - b1) z. The steps z move by the rate, against the gradient over the root of its second
    moment and with decoupled decay of y. x is their mean, each weighted by the square of the rate, and it is what is scored and
    kept. Of a schedule only the rise counts: the rate is the largest one so far.
    """

    KNOBS = {'lr': None, **ADAM, **SHARED}
    GROWN = 'its direction is the whole step, and knows no shares in the rate'
    DECAYS = True
    MOVES = True
    TOLD = ('scale',)

    @staticmethod
    def direction(roles: dict, knobs: Mapping[str, object], products: dict) -> optax.GradientTransformationExtraArgs:
        b1 = knobs['b1']
        inner = optax.scale_by_rms(knobs['b2'], knobs['eps'], eps_in_sqrt=False, bias_correction=True)

        def init(params: dict) -> Points:
            return Points(params, params, jnp.float32(0), jnp.float32(0), inner.init(params))

        def update(updates: dict, state: Points, params: dict, *, scale: jax.Array) -> tuple[dict, Points]:
            made, new = inner.update(updates, state.inner, params)
            largest = jnp.maximum(state.largest, scale)
            weight = (largest * knobs['lr']) ** 2
            weights = state.weights + weight
            share = weight / weights

            def moved(role: str, point: jax.Array, update: jax.Array, param: jax.Array) -> jax.Array:
                step = update + of_role('weight_decay', role, knobs) * param
                return point - largest * of_role('lr', role, knobs) * step

            steps = jax.tree.map(moved, roles, state.steps, made, params)
            scored = jax.tree.map(lambda x, z: (1 - share) * x + share * z, state.scored, steps)
            moves = jax.tree.map(lambda y, x, z: y - (b1 * x + (1 - b1) * z), params, scored, steps)
            return moves, Points(steps, scored, weights, largest, new)

        return optax.GradientTransformationExtraArgs(init, update)
