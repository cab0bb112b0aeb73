"""Array-wise optimizers: a parameter moves by norms, factors or products of its whole array.

`WHOLE` are the roles of the parameters that are kept whole for it; `direction` is as in sweeps/training/elementwise.py.
"""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from optax import contrib

from ablations.schedules import FIRST_SCALE
from arch.roles import ROLES, Product
from sweeps.training.elementwise import ADAM, SHARED, Adamw, Elementwise, by_inputs, by_size, by_spectrum, penalised

LARGEST_RMS = 1.0
"""Of an update of Adafactor, as in the paper."""
ITERATIONS, MOST_ITERATIONS = 5, 10
"""Of Newton and Schulz in Muon, unless a study says otherwise, and at most."""
COEFFICIENTS = (3.4445, -4.775, 2.0315)
"""Of each iteration a X + b (X X^T) X + c (X X^T)^2 X (Jordan 2024)."""
FACTORED = 2
"""Adafactor factors the second moment of arrays whose two largest axes have at least so many numbers."""


class Arraywise(Elementwise):
    """The base of these."""

    WHOLE = ROLES


class Adafactor(Arraywise):
    """Adafactor (1804.04235) without momentum: a factored second moment, updates clipped, and scaled by the array's size.

    `decay_rate` c makes the decay of the second moment at step t 1 - t^-c. Weight decay is decoupled.
    """

    KNOBS = {'lr': None, 'decay_rate': 0.8, **SHARED}
    GROWN = staticmethod(by_size)

    @staticmethod
    def direction(roles: dict, knobs: Mapping[str, object], products: dict) -> optax.GradientTransformation:
        return optax.chain(
            optax.scale_by_factored_rms(decay_rate=knobs['decay_rate'], min_dim_size_to_factor=FACTORED),
            optax.clip_by_block_rms(LARGEST_RMS),
            optax.scale_by_param_block_rms(),
        )


class Lamb(Arraywise):
    """LAMB (1904.00962): the step of Adam with its weight decay, as long as the array's norm."""

    KNOBS = {'lr': None, 'b1': 0.9, 'b2': 0.999, 'eps': 1e-6, **SHARED}
    GROWN = staticmethod(by_size)
    DECAYS = True

    @staticmethod
    def direction(roles: dict, knobs: Mapping[str, object], products: dict) -> optax.GradientTransformation:
        return optax.chain(
            Adamw.direction(roles, knobs, products),
            penalised(roles, knobs),
            optax.scale_by_trust_ratio(),
        )


class Mars(Arraywise):
    """MARS with AdamW (2411.10438) in its cheap form: the change of the gradient is that since the last step's batch.

    In place of a gradient g stands g + `gamma` b1 / (1 - b1) times its change, at most of norm 1. Weight decay is decoupled.
    """

    KNOBS = {'lr': None, 'b1': 0.95, 'b2': 0.99, 'eps': 1e-8, 'gamma': 0.025, **SHARED}
    GROWN = staticmethod(by_inputs)

    @staticmethod
    def direction(roles: dict, knobs: Mapping[str, object], products: dict) -> optax.GradientTransformation:
        strength = knobs['gamma'] * knobs['b1'] / (1 - knobs['b1'])
        return optax.chain(_corrected(strength), Adamw.direction(roles, knobs, products))


class Corrected(NamedTuple):
    """The gradient of the step before, and the number of steps."""

    last: dict
    count: jax.Array


def _corrected(strength: object) -> optax.GradientTransformation:
    """Gradients with `strength` times their change, each array at most of norm 1; the first step knows of no change."""

    def init(params: dict) -> Corrected:
        return Corrected(jax.tree.map(jnp.zeros_like, params), jnp.int32(0))

    def update(updates: dict, state: Corrected, params: dict | None = None) -> tuple[dict, Corrected]:
        def one(new: jax.Array, old: jax.Array) -> jax.Array:
            changed = new + jnp.where(state.count > 0, strength, 0) * (new - old)
            return changed / jnp.maximum(jnp.linalg.norm(changed), 1)

        return jax.tree.map(one, updates, state.last), Corrected(updates, state.count + 1)

    return optax.GradientTransformation(init, update)


class Muon(Elementwise):
    """Muon on matrices (2502.16982: orthogonalised momentum, scaled to AdamW's update size), AdamW on all else.

    Orthogonalisation acts on the axes of each `Product`; by default these are the last two. It takes `newton_schulz`
    iterations, and `matrix_scale` is one of `ablations.schedules.SCALES`.
    """

    KNOBS = {'lr': None, 'beta': 0.95, 'newton_schulz': float(ITERATIONS), 'matrix_scale': float(FIRST_SCALE), **ADAM, **SHARED}
    WHOLE = ('matrix',)
    ORTHOGONAL = ('matrix',)
    GROWN = staticmethod(by_spectrum(ORTHOGONAL))

    @classmethod
    def direction(cls, roles: dict, knobs: Mapping[str, object], products: dict) -> optax.GradientTransformation:
        def matrices(made: Callable, updates: dict) -> dict:
            def one(update: object, product: Product) -> object:
                return update if isinstance(update, optax.MaskedNode) else made(update, product)

            return jax.tree.map(one, updates, products, is_leaf=lambda update: isinstance(update, optax.MaskedNode))

        def scaled(update: jax.Array, product: Product) -> jax.Array:
            sides = [math.prod(update.shape[axis] for axis in axes) for axes in (product.inputs, product.outputs)]
            return _scale(knobs['matrix_scale'], *sides) * update

        def axes(update: jax.Array, product: Product) -> contrib.MuonDimensionNumbers:
            return contrib.MuonDimensionNumbers(
                *(tuple(axis % update.ndim for axis in side) for side in (product.inputs, product.outputs))
            )

        muon = optax.chain(
            contrib.scale_by_muon(
                beta=knobs['beta'],
                weight_dimension_numbers=lambda updates: matrices(axes, updates),
                **_iterated(knobs['newton_schulz']),
            ),
            optax.stateless(lambda updates, params=None: matrices(scaled, updates)),
        )
        adamw = optax.scale_by_adam(b1=knobs['b1'], b2=knobs['b2'], eps=knobs['eps'])
        labels = jax.tree.map(lambda role: 'muon' if role in cls.ORTHOGONAL else 'adamw', roles)
        return optax.partition({'muon': muon, 'adamw': adamw}, labels)


class MuonEverywhere(Muon):
    """Muon on matrices, embeddings and the head; AdamW on filters over positions and on vectors."""

    WHOLE = ROLES
    ORTHOGONAL = ('matrix', 'embedding', 'head')
    GROWN = staticmethod(by_spectrum(ORTHOGONAL))


def _scale(rule: object, inputs: int, outputs: int) -> jax.Array:
    """The size of a step of a matrix, by the number of the rule."""
    sizes = [0.2 * max(inputs, outputs) ** 0.5, (outputs / inputs) ** 0.5, max(1, outputs / inputs) ** 0.5]
    if isinstance(rule, float) and rule == FIRST_SCALE:
        return 0.2 * jnp.sqrt(max(inputs, outputs))
    return jnp.asarray(sizes)[jnp.asarray(rule, jnp.int32) - FIRST_SCALE]


def _iterated(count: object) -> dict:
    """The arguments of a number of iterations, traced or not: one with coefficients of its own may be the identity."""
    if isinstance(count, float) and count == ITERATIONS:
        return {}
    on = jnp.arange(MOST_ITERATIONS)[:, None] < jnp.asarray(count, jnp.int32)
    return {'ns_coeffs': jnp.where(on, jnp.asarray(COEFFICIENTS), jnp.asarray((1.0, 0.0, 0.0))), 'ns_steps': MOST_ITERATIONS}
