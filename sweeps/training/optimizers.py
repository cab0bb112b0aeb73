"""Optimizers: a direction for every parameter; the step is lr * schedule * (direction + weight_decay * parameter).

Every value in KNOBS may be traced, so that all trials of an optimizer type share one program. Weight decay is decoupled
(1711.05101) unless the direction `DECAYS` by itself. It acts on matrices, convolutions, embeddings and heads, and on vectors if
a study says so; each role may have a learning rate and a decay of its own (sweeps/training/role_knobs.py).
Gradients are clipped to a global norm of `clip` first. `WHOLE` are the roles of parameters that an optimizer does not treat
number by number.
"""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import optax

from arch.roles import Product
from sweeps.training.arraywise import Adafactor, Lamb, Mars, Muon, MuonEverywhere
from sweeps.training.averages import KNOBS as AVERAGE_KNOBS
from sweeps.training.averages import accumulated, average_of, averaged, named
from sweeps.training.elementwise import Adam, Adamw, Adan, Adopt, Elementwise, Lion, Nadamw, Prodigy, Rmsprop, Sgd
from sweeps.training.kronecker import Shampoo, Soap
from sweeps.training.role_knobs import of_role
from sweeps.training.schedule_free import ScheduleFree
from sweeps.training.sophia import Sophia

OPTIMIZERS: dict[str, type[Elementwise]] = {
    'adamw': Adamw,
    'sgd': Sgd,
    'lion': Lion,
    'muon': Muon,
    'adam': Adam,
    'nadamw': Nadamw,
    'rmsprop': Rmsprop,
    'adan': Adan,
    'adopt': Adopt,
    'mars': Mars,
    'lamb': Lamb,
    'adafactor': Adafactor,
    'muon_everywhere': MuonEverywhere,
    'soap': Soap,
    'shampoo': Shampoo,
    'prodigy': Prodigy,
    'sophia': Sophia,
    'schedule_free': ScheduleFree,
}


def make_optimizer(
    kind: str,
    roles: dict,
    knobs: Mapping[str, object],
    products: dict | None = None,
    shares: tuple[dict | None, dict | None] = (None, None),
) -> tuple[optax.GradientTransformation, Callable]:
    """The optimizer of a type: `(direction, step)` where `step(direction, params, scale)` gives the new parameters.

    `knobs` holds a value, traced or not, for each of the type's KNOBS, and any of the roles' and of the averages'; `scale` is
    the schedule's value. `products`: the axes of every matrix (`arch.roles.products`); where none are given they are the last
    two. `shares`: two shares of each parameter in the learning rate; the first does not act on decoupled weight decay. Raises
    ValueError for shares of an optimizer that knows none.
    """
    cls = OPTIMIZERS[kind]
    if cls.MOVES and any(own is not None for own in shares):
        raise ValueError(f"optimizer '{kind}' knows no shares of layers in its rate; allowed: others; leave layer_decay out")
    products = jax.tree.map(lambda role: Product(), roles) if products is None else products
    direction = optax.chain(optax.clip_by_global_norm(knobs['clip']), cls.direction(roles, knobs, products))

    def step(updates: dict, params: dict, scale: jax.Array) -> dict:
        if cls.MOVES:
            return jax.tree.map(jnp.subtract, params, updates)

        def move(role: str, update: jax.Array, param: jax.Array, share: object = None, part: object = None) -> jax.Array:
            rate = of_role('lr', role, knobs)
            update = update if share is None else share * update
            rate = rate if part is None else part * rate
            if cls.DECAYS:
                return param - scale * rate * update
            return param - scale * rate * (update + of_role('weight_decay', role, knobs) * param)

        of_each = [jax.tree.map(lambda role: None, roles) if own is None else own for own in shares]
        leaves, structure = jax.tree.flatten(roles)
        trees = [structure.flatten_up_to(tree) for tree in (updates, params, *of_each)]
        return structure.unflatten([move(*own) for own in zip(leaves, *trees, strict=True)])

    count, decay = (knobs.get(name, value) for name, value in AVERAGE_KNOBS.items())
    if named('accumulate', count):
        direction, step = accumulated(direction, step, count)
    return averaged(direction, decay) if named('ema', decay) else direction, step


def views(kind: str, knobs: Mapping[str, object]) -> Callable | None:
    """What is scored of a model under training: `read(params, moments) -> {'': weights, '_average': their average}`.

    None where it is the parameters themselves, and nothing else.
    """
    decay = knobs.get('ema', AVERAGE_KNOBS['ema'])
    average = named('ema', decay)
    if not OPTIMIZERS[kind].MOVES and not average:
        return None

    def read(params: dict, moments: object) -> dict:
        seen = {'': optax.tree.get(moments, 'scored') if OPTIMIZERS[kind].MOVES else params}
        return {**seen, '_average': average_of(moments, params, decay)} if average else seen

    return read
