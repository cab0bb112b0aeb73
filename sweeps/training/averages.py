"""Averages: of gradients before a step, and of weights after it.

`accumulate`: parameters move at each so many steps only, by the mean of the gradients since (as in a batch so many times as
large, in as many examples). What is left over at the end of a run is not used. `ema`: the decay of a moving average of the
weights, which is scored beside them; it begins with the first values. What a study does not name adds nothing to its program.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

KNOBS = {'accumulate': 1.0, 'ema': 0.0}


def named(name: str, value: object) -> bool:
    """Whether a study names this knob: its value is traced, or another than the usual one."""
    return not isinstance(value, float) or value != KNOBS[name]


class Accumulated(NamedTuple):
    """The sum of some gradients, their number, and the state of the optimizer."""

    total: dict
    count: jax.Array
    inner: object


class Averaged(NamedTuple):
    """The average of the weights before the last step, and the state of the optimizer."""

    average: dict
    inner: object


def _where(on: jax.Array, one: object, other: object) -> object:
    return jax.tree.map(lambda a, b: jnp.where(on, a, b), one, other)


def accumulated(
    direction: optax.GradientTransformation, move: Callable, count: object
) -> tuple[optax.GradientTransformationExtraArgs, Callable]:
    """A direction and its step of the mean of each `count` gradients."""

    def init(params: dict) -> Accumulated:
        return Accumulated(jax.tree.map(jnp.zeros_like, params), jnp.int32(0), direction.init(params))

    def update(updates: dict, state: Accumulated, params: dict, **given: object) -> tuple[dict, Accumulated]:
        total, so_far = jax.tree.map(jnp.add, state.total, updates), state.count + 1
        full = so_far >= count
        mean = jax.tree.map(lambda leaf: leaf / so_far, total)
        made, inner = direction.update(mean, state.inner, params, **given)
        total = _where(full, jax.tree.map(jnp.zeros_like, total), total)
        return {'made': made, 'full': full}, Accumulated(total, jnp.where(full, 0, so_far), _where(full, inner, state.inner))

    def step(updates: dict, params: dict, scale: jax.Array) -> dict:
        return _where(updates['full'], move(updates['made'], params, scale), params)

    return optax.GradientTransformationExtraArgs(init, update), step


def averaged(direction: optax.GradientTransformation, decay: object) -> optax.GradientTransformationExtraArgs:
    """A direction that also keeps a moving average of the weights."""

    def init(params: dict) -> Averaged:
        return Averaged(params, direction.init(params))

    def update(updates: dict, state: Averaged, params: dict, **given: object) -> tuple[dict, Averaged]:
        made, inner = direction.update(updates, state.inner, params, **given)
        return made, Averaged(average_of(state, params, decay), inner)

    return optax.GradientTransformationExtraArgs(init, update)


def average_of(state: Averaged, params: dict, decay: object) -> dict:
    """The average with the weights as they are now."""
    return jax.tree.map(lambda mean, new: decay * mean + (1 - decay) * new, state.average, params)
