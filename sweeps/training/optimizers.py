"""Optimizers: a direction for every parameter; the step is lr * schedule * (direction + weight_decay * parameter).

Every value in KNOBS may be traced, so that all trials of an optimizer type share one program. Weight decay is decoupled
(1711.05101) and acts on matrices, convolutions, embeddings and heads, never on vectors. Gradients are clipped to a global
norm of `clip` first. `WHOLE` are the roles of parameters that an optimizer does not treat number by number.
"""

import math
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import optax
from optax import contrib

from arch.roles import Product

DECAYED = ('matrix', 'conv', 'embedding', 'head')
SHARED = {'weight_decay': 0.0, 'clip': 1.0}
ADAM = {'b1': 0.9, 'b2': 0.99, 'eps': 1e-8}


class Adamw:
    """AdamW (1711.05101)."""

    KNOBS = {'lr': None, **ADAM, **SHARED}
    WHOLE = ()

    @staticmethod
    def direction(roles: dict, knobs: Mapping[str, object], products: dict) -> optax.GradientTransformation:
        return optax.scale_by_adam(b1=knobs['b1'], b2=knobs['b2'], eps=knobs['eps'])


class Sgd:
    """Stochastic gradient descent with Nesterov momentum."""

    KNOBS = {'lr': None, 'momentum': 0.9, **SHARED}
    WHOLE = ()

    @staticmethod
    def direction(roles: dict, knobs: Mapping[str, object], products: dict) -> optax.GradientTransformation:
        return optax.trace(decay=knobs['momentum'], nesterov=True)


class Lion:
    """Lion (2302.06675): the sign of an interpolated momentum."""

    KNOBS = {'lr': None, 'b1': 0.9, 'b2': 0.99, **SHARED}
    WHOLE = ()

    @staticmethod
    def direction(roles: dict, knobs: Mapping[str, object], products: dict) -> optax.GradientTransformation:
        return optax.scale_by_lion(b1=knobs['b1'], b2=knobs['b2'])


class Muon:
    """Muon on matrices (2502.16982: orthogonalised momentum, scaled to AdamW's update size), AdamW on all else.

    Orthogonalisation acts on the axes of each `Product`; by default these are the last two.
    """

    KNOBS = {'lr': None, 'beta': 0.95, **ADAM, **SHARED}
    WHOLE = ('matrix',)

    @staticmethod
    def direction(roles: dict, knobs: Mapping[str, object], products: dict) -> optax.GradientTransformation:
        def matrices(made: Callable, updates: dict) -> dict:
            def one(update: object, product: Product) -> object:
                return update if isinstance(update, optax.MaskedNode) else made(update, product)

            return jax.tree.map(one, updates, products, is_leaf=lambda update: isinstance(update, optax.MaskedNode))

        def scaled(update: jax.Array, product: Product) -> jax.Array:
            sides = (math.prod(update.shape[axis] for axis in axes) for axes in (product.inputs, product.outputs))
            return 0.2 * jnp.sqrt(max(sides)) * update

        def axes(update: jax.Array, product: Product) -> contrib.MuonDimensionNumbers:
            return contrib.MuonDimensionNumbers(
                *(tuple(axis % update.ndim for axis in side) for side in (product.inputs, product.outputs))
            )

        muon = optax.chain(
            contrib.scale_by_muon(beta=knobs['beta'], weight_dimension_numbers=lambda updates: matrices(axes, updates)),
            optax.stateless(lambda updates, params=None: matrices(scaled, updates)),
        )
        adamw = optax.scale_by_adam(b1=knobs['b1'], b2=knobs['b2'], eps=knobs['eps'])
        labels = jax.tree.map(lambda role: 'muon' if role == 'matrix' else 'adamw', roles)
        return optax.partition({'muon': muon, 'adamw': adamw}, labels)


OPTIMIZERS = {'adamw': Adamw, 'sgd': Sgd, 'lion': Lion, 'muon': Muon}


def make_optimizer(
    kind: str, roles: dict, knobs: Mapping[str, object], products: dict | None = None
) -> tuple[optax.GradientTransformation, object]:
    """The optimizer of a type: `(direction, step)` where `step(direction, params, scale)` gives the new parameters.

    `knobs` holds a value, traced or not, for each of the type's KNOBS; `scale` is the schedule's value. `products`: the axes
    of every matrix (`arch.roles.products`); where none are given they are the last two.
    """
    cls = OPTIMIZERS[kind]
    products = jax.tree.map(lambda role: Product(), roles) if products is None else products
    direction = optax.chain(optax.clip_by_global_norm(knobs['clip']), cls.direction(roles, knobs, products))

    def step(updates: dict, params: dict, scale: jax.Array) -> dict:
        def move(role: str, update: jax.Array, param: jax.Array) -> jax.Array:
            decay = knobs['weight_decay'] if role in DECAYED else 0.0
            return param - scale * knobs['lr'] * (update + decay * param)

        return jax.tree.map(move, roles, updates, params)

    return direction, step
