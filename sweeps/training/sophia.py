"""Sophia (2305.14342): steps by the curvature of the loss, which is measured now and then."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from optax import contrib

from sweeps.training.elementwise import SHARED, Elementwise, by_inputs


class Sophia(Elementwise):
    """Sophia-H (2305.14342): the momentum over the diagonal of the Hessian, no number of it above 1. Weight decay is decoupled.

    The step is clip(m / max(`curvature_share` h, eps), 1). Each `refresh_steps` steps Hutchinson's estimate r * (H r) of the
    batch enters h, with r of random signs, the same for all runs. Lanes that run together make it at every step.
    """

    KNOBS = {'lr': None, 'b1': 0.965, 'b2': 0.99, 'eps': 1e-8, 'curvature_share': 0.01, 'refresh_steps': 10.0, **SHARED}
    GROWN = staticmethod(by_inputs)
    TOLD = ('obj_fn',)

    @staticmethod
    def direction(roles: dict, knobs: Mapping[str, object], products: dict) -> optax.GradientTransformationExtraArgs:
        sophia = contrib.sophia(
            1.0,
            b1=knobs['b1'],
            b2=knobs['b2'],
            eps=knobs['eps'],
            weight_decay=0.0,
            gamma=knobs['curvature_share'],
            update_interval=knobs['refresh_steps'],
            hessian_diagonal_fn=hutchinson(),
        )
        return optax.chain(sophia, optax.scale(-1.0))


class Signs(NamedTuple):
    """The key of the next random signs."""

    key: jax.Array


def hutchinson() -> optax.GradientTransformationExtraArgs:
    """An estimate r * (H r) of the Hessian's diagonal, by derivatives backwards alone.

    Operations with derivatives of their own (jax.custom_vjp) have none forwards, which optax's estimate takes.
    """

    def init(params: dict) -> Signs:
        return Signs(jax.random.PRNGKey(0))

    def update(updates: dict, state: Signs, params: dict, *, obj_fn: Callable) -> tuple[dict, Signs]:
        key, own = jax.random.split(state.key)
        signs = optax.tree.random_like(own, params, jax.random.rademacher)
        product = jax.grad(lambda params: optax.tree.vdot(jax.grad(obj_fn)(params), signs))(params)
        return jax.tree.map(jnp.multiply, product, signs), Signs(key)

    return optax.GradientTransformationExtraArgs(init, update)
