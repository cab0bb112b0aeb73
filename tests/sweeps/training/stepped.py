"""Stepped: steps of optimizers on a tree of a few matrices and vectors, for tests."""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax

from sweeps.training.optimizers import OPTIMIZERS, make_optimizer

RNG = np.random.default_rng(0)
PARAMS = {
    'up': {'kernel': RNG.normal(size=(4, 6)).astype(np.float32), 'bias': RNG.normal(size=6).astype(np.float32)},
    'stack': {'kernel': RNG.normal(size=(3, 4, 4)).astype(np.float32)},
    'head': {'kernel': RNG.normal(size=(6, 2)).astype(np.float32)},
}
PARAM_ROLES = {'up': {'kernel': 'matrix', 'bias': 'vector'}, 'stack': {'kernel': 'matrix'}, 'head': {'kernel': 'head'}}
GRADIENT = jax.tree.map(lambda leaf: RNG.normal(size=leaf.shape).astype(np.float32) * 0.01, PARAMS)


TRIED = {'prodigy': {'first_distance': 0.1}, 'sophia': {'curvature_share': 30.0, 'refresh_steps': 2.0}}
"""Values with which a few steps tell more than with the defaults."""


def bent(params: dict) -> jax.Array:
    """A function whose curvature is 3 along every axis."""
    return sum(1.5 * (leaf**2).sum() for leaf in jax.tree.leaves(params))


def told(kind: str, scale: float = 1.0) -> dict:
    """What the direction of a type is told beside gradients."""
    known = {'scale': jnp.float32(scale), 'obj_fn': bent}
    return {name: known[name] for name in OPTIMIZERS[kind].TOLD}


def knobs_of(kind: str, **values: float) -> dict:
    given = {**OPTIMIZERS[kind].KNOBS, 'lr': 0.1, **TRIED.get(kind, {}), **values}
    return {name: jnp.asarray(value, jax.dtypes.canonicalize_dtype(float)) for name, value in given.items()}


@functools.cache
def stepping(kind: str) -> Callable:
    """One step at half the rate, compiled once with every knob an argument."""

    def run(knobs: dict) -> dict:
        direction, move = make_optimizer(kind, PARAM_ROLES, knobs)
        updates, _ = direction.update(GRADIENT, direction.init(PARAMS), PARAMS, **told(kind, 0.5))
        return move(updates, PARAMS, jnp.float32(0.5))

    return jax.jit(run)


def one_step(kind: str, **values: float) -> dict:
    return stepping(kind)(knobs_of(kind, **values))


def gradients(step: int) -> dict:
    """Gradients that change from step to step, some of them large."""
    generator = np.random.default_rng(step)
    return jax.tree.map(lambda leaf: leaf * 0.3 + 0.1 * generator.normal(size=leaf.shape).astype(np.float32), PARAMS)


def wide(tree: dict) -> dict:
    """Numbers in the widest type that is switched on."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jax.dtypes.canonicalize_dtype(float)), tree)


@functools.cache
def several_steps(kind: str, count: int) -> Callable:
    def run(knobs: dict) -> list[dict]:
        direction, move = make_optimizer(kind, PARAM_ROLES, knobs)
        params = wide(PARAMS)
        state, made = direction.init(params), []
        for step in range(count):
            updates, state = direction.update(wide(gradients(step)), state, params, **told(kind))
            params = move(updates, params, 1.0)
            made.append(params)
        return made

    return jax.jit(run)


def steps_of(kind: str, count: int, **values: float) -> list[dict]:
    """The parameters after each of some steps at full rate, without clipping."""
    return several_steps(kind, count)(knobs_of(kind, **{'clip': 1e9, **values}))


def of_optax(optimizer: optax.GradientTransformation, count: int, **given: object) -> list[dict]:
    def run(params: dict) -> list[dict]:
        state, made = optimizer.init(params), []
        for step in range(count):
            updates, state = optimizer.update(wide(gradients(step)), state, params, **given)
            params = optax.apply_updates(params, updates)
            made.append(params)
        return made

    return jax.jit(run)(wide(PARAMS))
