"""Element-wise optimizers: each number of a parameter moves by its own gradients, whatever array it stands in.

`direction(roles, knobs, products)` gives the direction of a step; see sweeps/training/optimizers.py.
"""

import math
from collections.abc import Callable, Collection, Mapping

import jax
import jax.numpy as jnp
import optax
from optax import contrib

from arch.growth import Growth
from sweeps.training.role_knobs import of_role

SHARED = {'weight_decay': 0.0, 'clip': 1.0}
ADAM = {'b1': 0.9, 'b2': 0.99, 'eps': 1e-8}


class Elementwise:
    """The base of these: `WHOLE` are the roles of parameters that it does not treat number by number, here none.

    `DECAYS` says whether weight decay is part of the direction; otherwise it is decoupled (1711.05101). `GROWN` is the share in
    the learning rate of a parameter by its growth (arch/growth.py), its role and the scale of matrices in Muon; or, where muP
    has no rule for such an optimizer, the reason. A direction that `MOVES` is the whole step. `TOLD` is what it is told beside
    gradients: `scale`, the schedule's value, or `obj_fn`, what is minimised on the batch, as a function of the parameters.
    """

    WHOLE: tuple[str, ...] = ()
    DECAYS = False
    MOVES = False
    TOLD: tuple[str, ...] = ()
    GROWN: Callable[[Growth, str, str], float] | str = 'no rule is known'


def by_inputs(growth: Growth, role: str = '', scale: str = '') -> float:
    """The share under Adam and its kin, whose steps have one size: 1 / inputs, and the root of that for layers."""
    return 1 / growth.inputs / math.sqrt(growth.layers)


def by_both(growth: Growth, role: str = '', scale: str = '') -> float:
    """The share under plain gradients: outputs / inputs."""
    return growth.outputs / growth.inputs


def by_spectrum(roles: Collection[str]) -> Callable[[Growth, str, str], float]:
    """The share under which steps of matrices with these `roles` have the spectral norm sqrt(outputs / inputs) (2310.17813).

    Without a `scale` their own one does not grow; with one of Muon's it grows as that says.
    """

    def share(growth: Growth, role: str, scale: str) -> float:
        if role not in roles:
            return by_inputs(growth)
        ratio = growth.outputs / growth.inputs
        own = {'adam_size': max(growth.inputs, growth.outputs), 'spectral': ratio, 'original': max(1, ratio)}.get(scale, 1)
        return math.sqrt(ratio / own / growth.layers)

    return share


def by_size(growth: Growth, role: str = '', scale: str = '') -> float:
    """The share under steps as large as what they move: `by_inputs` over how the first values shrink."""
    return by_inputs(growth) / (growth.inputs**-0.5 * growth.start)


class Adam(Elementwise):
    """Adam (1412.6980) with weight decay as a penalty: added to the gradient, and so divided as it is."""

    KNOBS = {'lr': None, **ADAM, **SHARED}
    GROWN = staticmethod(by_inputs)
    DECAYS = True

    @staticmethod
    def direction(roles: dict, knobs: Mapping[str, object], products: dict) -> optax.GradientTransformation:
        return optax.chain(penalised(roles, knobs), Adamw.direction(roles, knobs, products))


class Adamw(Elementwise):
    """AdamW (1711.05101)."""

    KNOBS = {'lr': None, **ADAM, **SHARED}
    GROWN = staticmethod(by_inputs)

    @staticmethod
    def direction(roles: dict, knobs: Mapping[str, object], products: dict) -> optax.GradientTransformation:
        return optax.scale_by_adam(b1=knobs['b1'], b2=knobs['b2'], eps=knobs['eps'])


class Nadamw(Elementwise):
    """NAdam (Dozat 2016): Adam with Nesterov's momentum; weight decay is decoupled."""

    KNOBS = {'lr': None, **ADAM, **SHARED}
    GROWN = staticmethod(by_inputs)

    @staticmethod
    def direction(roles: dict, knobs: Mapping[str, object], products: dict) -> optax.GradientTransformation:
        return optax.scale_by_adam(b1=knobs['b1'], b2=knobs['b2'], eps=knobs['eps'], nesterov=True)


class Adan(Elementwise):
    """Adan (2208.06677): Nesterov's momentum of a gradient and of its change. b1, b2, b3 are 1 minus the paper's betas."""

    KNOBS = {'lr': None, 'b1': 0.98, 'b2': 0.92, 'b3': 0.99, 'eps': 1e-8, **SHARED}
    GROWN = staticmethod(by_inputs)

    @staticmethod
    def direction(roles: dict, knobs: Mapping[str, object], products: dict) -> optax.GradientTransformation:
        return optax.scale_by_adan(b1=knobs['b1'], b2=knobs['b2'], b3=knobs['b3'], eps=knobs['eps'])


class Adopt(Elementwise):
    """ADOPT (2411.02853): the second moment is that of the steps before, and the first step only begins it."""

    KNOBS = {'lr': None, 'b1': 0.9, 'b2': 0.9999, 'eps': 1e-6, **SHARED}
    GROWN = staticmethod(by_inputs)

    @staticmethod
    def direction(roles: dict, knobs: Mapping[str, object], products: dict) -> optax.GradientTransformation:
        return contrib.scale_by_adopt(b1=knobs['b1'], b2=knobs['b2'], eps=knobs['eps'])


class Lion(Elementwise):
    """Lion (2302.06675): the sign of an interpolated momentum."""

    KNOBS = {'lr': None, 'b1': 0.9, 'b2': 0.99, **SHARED}
    GROWN = staticmethod(by_inputs)

    @staticmethod
    def direction(roles: dict, knobs: Mapping[str, object], products: dict) -> optax.GradientTransformation:
        return optax.scale_by_lion(b1=knobs['b1'], b2=knobs['b2'])


class Prodigy(Elementwise):
    """Prodigy (2306.06101): Adam whose learning rate is `lr` times a lower bound of the distance to the solution.

    The bound d begins at `first_distance` and only grows, by how far the gradients have carried the parameters. Weight decay is
    decoupled and multiplied by d. In d, the weights of the steps know `lr`, but not the schedule.
    """

    KNOBS = {'lr': None, 'b1': 0.9, 'b2': 0.999, 'eps': 1e-8, 'first_distance': 1e-6, **SHARED}
    GROWN = 'it finds one rate from all parameters together'
    DECAYS = True

    @staticmethod
    def direction(roles: dict, knobs: Mapping[str, object], products: dict) -> optax.GradientTransformation:
        b1, b2, rate = knobs['b1'], knobs['b2'], knobs['lr']
        prodigy = contrib.prodigy(rate, (b1, b2), eps=knobs['eps'], estim_lr0=knobs['first_distance'])

        def update(updates: dict, state: contrib.ProdigyState, params: dict) -> tuple[dict, contrib.ProdigyState]:
            moves, new = prodigy.update(updates, state, params)
            unbiased = jnp.sqrt(1 - b2**new.count) / (1 - b1**new.count)

            def one(role: str, move: jax.Array, param: jax.Array) -> jax.Array:
                return state.estim_lr * unbiased * of_role('weight_decay', role, knobs) * param - move / rate

            return jax.tree.map(one, roles, moves, params), new

        return optax.GradientTransformation(prodigy.init, update)


class Rmsprop(Elementwise):
    """RMSprop (Tieleman and Hinton 2012): the gradient by the root of its second moment, then momentum."""

    KNOBS = {'lr': None, 'b2': 0.99, 'eps': 1e-8, 'momentum': 0.9, **SHARED}
    GROWN = staticmethod(by_inputs)

    @staticmethod
    def direction(roles: dict, knobs: Mapping[str, object], products: dict) -> optax.GradientTransformation:
        return optax.chain(optax.scale_by_rms(decay=knobs['b2'], eps=knobs['eps']), optax.trace(decay=knobs['momentum']))


class Sgd(Elementwise):
    """Stochastic gradient descent with Nesterov momentum."""

    KNOBS = {'lr': None, 'momentum': 0.9, **SHARED}
    GROWN = staticmethod(by_both)

    @staticmethod
    def direction(roles: dict, knobs: Mapping[str, object], products: dict) -> optax.GradientTransformation:
        return optax.trace(decay=knobs['momentum'], nesterov=True)


def penalised(roles: dict, knobs: Mapping[str, object]) -> optax.GradientTransformation:
    """Adds to each gradient its parameter times the weight decay of its role."""

    def add(updates: dict, params: dict) -> dict:
        def one(role: str, update: jax.Array, param: jax.Array) -> jax.Array:
            return update + of_role('weight_decay', role, knobs) * param

        return jax.tree.map(one, roles, updates, params)

    return optax.stateless(add)
