"""Model: the interface of an architecture to a training program."""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
from flax.errors import ScopeParamShapeError

from arch.above import layers_above
from arch.context import Context
from arch.declared import check_flags
from arch.dense import Dense
from arch.depth import unscanned, unstacked
from arch.fits import check_generates
from arch.flax_errors import explained, variables_of
from arch.growth import growths
from arch.initials import Initial
from arch.model_sockets import Sockets
from arch.monolith import Monolith, drawn, predicts_next, scored
from arch.monolith_roles import products_of, roles_of
from arch.past import Past
from arch.roles import declared, products, roles
from arch.sockets import TABLES


@dataclasses.dataclass(frozen=True)
class Model:
    """An architecture as pure functions.

    `init(key, x, knobs) -> params, state` draws parameters and running statistics for inputs like `x`. `apply(params, state, x,
    *, knobs, key, train) -> y, state, aux`: scores, next running statistics, named scalar losses; raises ValueError for an
    input that the parameters were not drawn for. `roles(params)` and `products(params)`: the role of every parameter, and the
    axes of every matrix. `knobs`: the traced scalars that this model reads, with its own values; `knob_bounds`: the lowest and
    the highest value of those with declared bounds. `growth(params, x)`: how much larger every parameter is than in the base
    model of muP; None where the model has no base (arch/growth.py). `above(params)`: how many layers stand above it
    (arch/above.py); None for a model of a user's own, and for a body that does not know its stages. `step(params, state,
    memory, x, *, past, knobs) -> y, memory`: the scores `[B, 1, V]` of one more token and what generation keeps
    (arch/generation.py); None for a model of a user's own.
    """

    init: Callable
    apply: Callable
    roles: Callable
    products: Callable
    knobs: Mapping[str, float]
    knob_bounds: Mapping[str, tuple[float, float]]
    causal: bool
    growth: Callable | None = None
    above: Callable | None = None
    step: Callable | None = None


def _knobs(sockets: Sockets) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """The knobs of every kind in use with their defaults, and the bounds of those that declare some.

    Raises ValueError where such a value lies outside its bounds.
    """
    knobs, bounds = dict(Dense.KNOBS), {}
    for own, family in itertools.product(sockets.distinct(), sockets.tables):
        block = own.make(family, name=None, features=1)
        values = block.knob_values()
        for name, (low, high) in block.knob_bounds().items():
            if not low <= values[name] <= high:
                given = f"{own.where}{family} '{own.kind(family)}': {name}={values[name]:g} is given"
                raise ValueError(f'{given}; allowed: {low:g} to {high:g}; change it')
            known = bounds.get(name, (low, high))
            bounds[name] = max(low, known[0]), min(high, known[1])
        knobs.update(values)
    return knobs, bounds


def build(config: dict, tables: Mapping[str, Mapping[str, type]] = TABLES) -> Model:
    """The model that a config composes. Raises ValueError for mistakes that show without an input.

    Wrong sizes for an input, such as heads or patches that don't divide, raise at `init`. `jax.eval_shape` runs it without
    computing anything.
    """
    sockets = Sockets(config, tables)
    for own in sockets.distinct():
        for family in own.tables:
            check_flags(family, own.kind(family), own.cls(family))
    body = sockets.make('body', name=None)
    if isinstance(body, Monolith):
        return _whole(body)
    body.check()
    causal = bool(body.causal)
    position = sockets.make('position', name=None)
    rules = position.rules()
    initial = sockets.make('initial', name=None)
    knobs, knob_bounds = _knobs(sockets)
    kernels, small = declared(sockets), _base(initial, sockets, tables)

    def growth(params: dict, x: jax.Array) -> dict:
        shapes, _ = jax.eval_shape(lambda x: small.init(jax.random.key(0), x, {}), x)
        return growths(params, shapes, products(params, kernels), initial.layers(sum(body.stages())))

    def above(params: dict) -> dict:
        scanned = body.blocks() if body.SCANS and body.over_depth == 'scan' else {}
        return layers_above(params, body.stages(), body.above_blocks(), scanned)

    def context(values: Mapping[str, object], train: bool) -> Context:
        unknown = [name for name in values if name not in knobs]
        if unknown:
            raise ValueError(f'this model reads no knob {unknown}; allowed: {sorted(knobs)}; leave it out')
        return Context(causal=causal, train=train, knobs=dict(values), initial=initial, **rules)

    def init(key: jax.Array, x: jax.Array, knobs: Mapping[str, object]) -> tuple[dict, dict]:
        # One scanned program draws every block, so that init compiles as fast for a loop, and both ways draw the same.
        scans = not unscanned(sockets)
        drawing = body.clone(over_depth='scan') if scans else body
        with explained():
            params, state = variables_of(drawing.init({'params': key}, x, context(knobs, False)))
        if scans and body.over_depth == 'loop':
            params, state = unstacked(params, body.blocks()), unstacked(state, body.blocks())
        if small is not None:
            params = jax.tree.map(lambda leaf, own: leaf * own.start, params, growth(params, x))
        return params, state

    def apply(params: dict, state: dict, x: jax.Array, *, knobs: Mapping, key: jax.Array, train: bool) -> tuple:
        try:
            with explained():
                y, changed = body.apply(
                    {'params': params, 'state': state},
                    x,
                    context(knobs, train),
                    rngs={'noise': key},
                    mutable=['state', 'aux'],
                )
        except ScopeParamShapeError as error:
            raise _unfit(error, x) from None
        aux = {}
        for path, value in jax.tree_util.tree_leaves_with_path(changed.get('aux', {})):
            name = [str(part.key) for part in path if isinstance(part, jax.tree_util.DictKey)][-1]
            aux[name] = aux.get(name, 0.0) + jnp.sum(value)
        return y, changed.get('state', state), aux

    def step(params: dict, state: dict, memory: dict, x: jax.Array, *, past: Past, knobs: Mapping) -> tuple[jax.Array, dict]:
        check_generates(sockets)
        here = dataclasses.replace(context(knobs, False), past=past)
        with explained():
            y, changed = body.apply({'params': params, 'state': state, 'past': memory}, x, here, mutable=['past'])
        return y, changed.get('past', {})

    return Model(
        init=init,
        apply=apply,
        step=step,
        roles=functools.partial(roles, kernels=kernels),
        products=functools.partial(products, kernels=kernels),
        growth=None if small is None else growth,
        above=above if body.stages() else None,
        knobs=knobs,
        knob_bounds=knob_bounds,
        causal=causal,
    )


def _base(initial: Initial, sockets: Sockets, tables: Mapping[str, Mapping[str, type]]) -> Model | None:
    """The model that first values are meant for, where that is a smaller one."""
    config = initial.base(sockets.config, {own.kind('residual') for own in sockets.distinct()})
    try:
        return None if config is None else build(config, tables)
    except ValueError as error:
        width = config['body']['width']
        raise ValueError(f"initial 'mup': its base, this model with body.width {width}, can't be made: {error}") from None


def _unfit(error: ScopeParamShapeError, x: jax.Array) -> ValueError:
    """The error for an input of other parameters."""
    why = str(error).partition(' (https')[0]
    return ValueError(
        f'an input of shape {x.shape} does not fit the parameters: {why}; give inputs of the size and channels that '
        'they were drawn for, or draw new ones by init'
    )


def _whole(body: Monolith) -> Model:
    """A user's own whole model. It reads no knob."""
    own, cls, causal = body.own(), body.FROM, predicts_next(body.sockets)
    if causal and 'causal' not in body.FITS:
        kind = body.sockets.kind('body')
        raise ValueError(
            f"model '{kind}' fits {list(body.FITS)}, and to predict the next token it has to fit 'causal'; make it causal, or "
            'leave the task out'
        )

    def refuse(knobs: Mapping[str, object]) -> None:
        if knobs:
            raise ValueError(f'this model reads no knob {list(knobs)}; allowed: none, it is one of your own; leave it out')

    def init(key: jax.Array, x: jax.Array, knobs: Mapping[str, object]) -> tuple[dict, dict]:
        refuse(knobs)
        return drawn(own, key, x)

    def apply(params: dict, state: dict, x: jax.Array, *, knobs: Mapping, key: jax.Array, train: bool) -> tuple:
        refuse(knobs)
        try:
            return (*scored(own, params, state, x, key, train), {})
        except ScopeParamShapeError as error:
            raise _unfit(error, x) from None

    return Model(
        init=init,
        apply=apply,
        roles=functools.partial(roles_of, cls),
        products=functools.partial(products_of, cls),
        knobs={},
        knob_bounds={},
        causal=causal,
    )
