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

from arch.roles import ROLES, Product
from sweeps.training.elementwise import ADAM, SHARED, Adamw, Elementwise, penalised

LARGEST_RMS = 1.0
"""Of an update of Adafactor, as in the paper."""
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
