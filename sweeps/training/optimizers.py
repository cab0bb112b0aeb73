"""Optimizers: a direction for every parameter; the step is lr * schedule * (direction + weight_decay * parameter).

Every value in KNOBS may be traced, so that all trials of an optimizer type share one program. Weight decay is decoupled
(1711.05101) and acts on matrices, convolutions, embeddings and heads, never on vectors. Gradients are clipped to a global
norm of `clip` first.
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import optax
from optax import contrib

DECAYED = ('matrix', 'conv', 'embedding', 'head')
SHARED = {'weight_decay': 0.0, 'clip': 1.0}
ADAM = {'b1': 0.9, 'b2': 0.99, 'eps': 1e-8}


class Adamw:
    """AdamW (1711.05101)."""

    KNOBS = {'lr': None, **ADAM, **SHARED}

    @staticmethod
    def direction(roles: dict, knobs: Mapping[str, object]) -> optax.GradientTransformation:
        return optax.scale_by_adam(b1=knobs['b1'], b2=knobs['b2'], eps=knobs['eps'])


class Sgd:
    """Stochastic gradient descent with Nesterov momentum."""

    KNOBS = {'lr': None, 'momentum': 0.9, **SHARED}

    @staticmethod
    def direction(roles: dict, knobs: Mapping[str, object]) -> optax.GradientTransformation:
        return optax.trace(decay=knobs['momentum'], nesterov=True)


class Lion:
    """Lion (2302.06675): the sign of an interpolated momentum."""

    KNOBS = {'lr': None, 'b1': 0.9, 'b2': 0.99, **SHARED}

    @staticmethod
    def direction(roles: dict, knobs: Mapping[str, object]) -> optax.GradientTransformation:
        return optax.scale_by_lion(b1=knobs['b1'], b2=knobs['b2'])


class Muon:
    """Muon on matrices (2502.16982: orthogonalised momentum, scaled to AdamW's update size), AdamW on all else.

    Orthogonalisation acts on the last two axes, whatever stands before them.
    """

    KNOBS = {'lr': None, 'beta': 0.95, **ADAM, **SHARED}

    @staticmethod
    def direction(roles: dict, knobs: Mapping[str, object]) -> optax.GradientTransformation:
        def rms(updates: dict, params: dict | None = None) -> dict:
            return jax.tree.map(lambda u: 0.2 * jnp.sqrt(max(u.shape[-2:])) * u, updates)

        def two_last(updates: dict) -> dict:
            return jax.tree.map(lambda u: contrib.MuonDimensionNumbers(u.ndim - 2, u.ndim - 1), updates)

        muon = optax.chain(contrib.scale_by_muon(beta=knobs['beta'], weight_dimension_numbers=two_last), optax.stateless(rms))
        adamw = optax.scale_by_adam(b1=knobs['b1'], b2=knobs['b2'], eps=knobs['eps'])
        labels = jax.tree.map(lambda role: 'muon' if role == 'matrix' else 'adamw', roles)
        return optax.partition({'muon': muon, 'adamw': adamw}, labels)


OPTIMIZERS = {'adamw': Adamw, 'sgd': Sgd, 'lion': Lion, 'muon': Muon}


def make_optimizer(kind: str, roles: dict, knobs: Mapping[str, object]) -> tuple[optax.GradientTransformation, object]:
    """The optimizer of a type: `(direction, step)` where `step(direction, params, scale)` gives the new parameters.

    `knobs` holds a value, traced or not, for each of the type's KNOBS; `scale` is the schedule's value.
    """
    cls = OPTIMIZERS[kind]
    direction = optax.chain(optax.clip_by_global_norm(knobs['clip']), cls.direction(roles, knobs))

    def step(updates: dict, params: dict, scale: jax.Array) -> dict:
        def move(role: str, update: jax.Array, param: jax.Array) -> jax.Array:
            decay = knobs['weight_decay'] if role in DECAYED else 0.0
            return param - scale * knobs['lr'] * (update + decay * param)

        return jax.tree.map(move, roles, updates, params)

    return direction, step
