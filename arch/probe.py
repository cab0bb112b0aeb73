"""Probe: one entry of a table alone in its socket, with an input of one of its shape lines."""

import dataclasses
import functools
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from arch.branch import Branch
from arch.config import complete
from arch.context import Context
from arch.flax_errors import explained, variables_of
from arch.make import fields
from arch.model_sockets import Sockets
from arch.roles import Kernels, declared
from arch.shape_lines import SIZES, ShapeLine, sizes

PLAIN = complete(
    body={'kind': 'isotropic', 'width': SIZES['C']},
    stem={'kind': 'patchify', 'patch': 2},
    mixer={'kind': 'depthwise_conv', 'kernel': 3},
    channel={'kind': 'mlp', 'ratio': 2.0},
    head={'kind': 'classifier', 'outputs': SIZES['V']},
)
"""The kinds around the entry: the lab's plainest."""


@dataclasses.dataclass(frozen=True)
class Probe:
    """A block as pure functions, with random numbers to try it on, drawn by numpy without compiling a program."""

    family: str
    kind: str
    tables: Mapping[str, Mapping[str, type]]
    line: ShapeLine
    module: nn.Module
    handed: Mapping[str, object] | None = None
    """Further fields of Context, for a mixer that takes from other kinds; None without any."""

    @property
    def cls(self) -> type:
        return self.tables[self.family][self.kind]

    @property
    def kernels(self) -> Kernels:
        """The axes of its kernels, and of the kernels of the kinds around it."""
        config = {**PLAIN, self.family: {'kind': self.kind}}
        return declared(Sockets(config, self.tables))

    @property
    def fields(self) -> dict[str, object]:
        return {name: getattr(self.module, name) for name in fields(type(self.module))}

    @property
    def knobs(self) -> tuple[str, ...]:
        return tuple(self.cls.KNOBS)

    @property
    def takes_ids(self) -> bool:
        return self.line.given == ('B', 'N')

    def x(self, seed: int = 0) -> np.ndarray:
        """A random input: ids below V, or normal numbers."""
        generator, shape = np.random.default_rng(seed), sizes(self.line.given, self.fields)
        return generator.integers(SIZES['V'], size=shape, dtype=np.int32) if self.takes_ids else _normal(generator, shape)

    def init(self, key: jax.Array, x: jax.Array, knobs: Mapping = {}, causal: bool = False) -> tuple[dict, dict]:
        """Parameters and running statistics."""
        context = Context(**{'causal': causal, 'knobs': knobs, 'layer': 1, 'depth': 2, **self._given(x)})
        with explained():
            variables = self.module.init({'params': key}, x, *self._branch(), context)
        return variables_of(variables)

    def apply(
        self, params: dict, state: dict, x: jax.Array, *, key: jax.Array | None = None, train: bool = False, **context: object
    ) -> tuple:
        """The output and the next running statistics; `context` are further fields of Context."""
        y, changed = self.applied(params, state, x, key=key, train=train, **context)
        return y, changed.get('state', state)

    def applied(
        self, params: dict, state: dict, x: jax.Array, *, key: jax.Array | None = None, train: bool = False, **context: object
    ) -> tuple:
        """The output, and all that it tells beside: the next running statistics, and losses of its own under 'aux'."""
        with explained():
            return self.module.apply(
                {'params': params, 'state': state},
                x,
                *self._branch(),
                Context(**{'train': train, 'layer': 1, 'depth': 2, **self._given(x), **context}),
                rngs={} if key is None else {'noise': key},
                mutable=['state', 'aux'],
            )

    def drawn(self) -> tuple[dict, dict]:
        """The shapes of parameters and running statistics."""
        return self._drawn

    @functools.cached_property
    def _drawn(self) -> tuple[dict, dict]:
        return jax.eval_shape(lambda x: self.init(jax.random.key(0), x), self.x())

    def start(self) -> tuple[dict, dict]:
        """Random parameters in place of the block's own initial values, because gains of 0 would hide everything behind them.

        Statistics are above 0, as variances are.
        """
        return started(*self.drawn())

    def _given(self, x: jax.Array) -> dict[str, object]:
        """Further fields of Context: those handed, and for a head or a residual rule on a sequence some tokens."""
        if self.family in ('head', 'residual') and x.ndim == 3:
            return {'ids': jnp.broadcast_to(jnp.arange(x.shape[1]) % SIZES['V'], x.shape[:2])}
        return dict(self.handed or {})

    def _branch(self) -> tuple:
        """A branch for a residual rule, such that its norm, values and places matter."""
        if self.family != 'residual':
            return ()

        def after(y: jax.Array, context: Context) -> jax.Array:
            if context.values is not None:
                y = context.values(y.reshape(len(y), -1, 2, y.shape[-1] // 2)).reshape(y.shape)
            return jnp.sin(y)

        return (Branch(lambda y, context: y * 0.5, lambda y, context: y - y.mean(-1, keepdims=True), after),)


class ResidualPath(nn.Module):
    """A residual rule as in a body: enter, two branches, leave."""

    sockets: Sockets

    @nn.compact
    def __call__(self, x: jax.Array, branch: Branch, context: Context) -> jax.Array:
        rule = self.sockets.make('residual', name=None)
        # Streams that differ, as later blocks see them: what mixes equal ones changes nothing.
        stream = jax.tree.map(_uneven, rule.enter(x)) if rule.STREAMS else rule.enter(x)
        for number in range(2):
            made = self.sockets.make('residual', name=f'residual_{number}', closing=number == 1)
            stream = made(stream, branch, dataclasses.replace(context, layer=number, branches=2))
        return rule.leave(stream, context, 'leave_0')


class HeadOnStem(nn.Module):
    """A head with a stem, whose table it may use."""

    sockets: Sockets

    @nn.compact
    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        stem = self.sockets.make('stem', name='stem', features=x.shape[-1])
        stem(jnp.zeros((1, 1), jnp.int32), context)
        return self.sockets.make('head', name='head', stem=stem)(x, context)


def started(params: dict, state: dict) -> tuple[dict, dict]:
    """Random parameters and statistics of these shapes, for `Probe.start`."""
    generator = np.random.default_rng(1)
    params = jax.tree.map(lambda leaf: _normal(generator, leaf.shape) / 2, params)
    return params, jax.tree.map(lambda leaf: (np.abs(_normal(generator, leaf.shape)) + 1).astype(leaf.dtype), state)


def _uneven(part: jax.Array) -> jax.Array:
    steps = jnp.linspace(0.5, 1.5, part.shape[-2], dtype=part.dtype)
    return part * steps.reshape((1,) * (part.ndim - 2) + (-1, 1))


def _normal(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return generator.normal(size=shape).astype(np.float32)


def probe(family: str, kind: str, tables: Mapping[str, Mapping[str, type]], line: ShapeLine) -> Probe:
    """The probe of one entry for one shape line. Raises ValueError where no model has a place for it."""
    cls, config = tables[family][kind], {**PLAIN, family: {'kind': kind}}

    def probed(module: nn.Module) -> Probe:
        return Probe(family, kind, tables, line, module)

    made = {'features': SIZES.get(line.made[-1], 0)}
    if 'outputs' in fields(tables[family][kind]):
        config[family]['outputs'] = SIZES['V']
    if family == 'residual':
        config['stem'] = {'kind': 'tokens', 'vocabulary': SIZES['V']}
        return probed(ResidualPath(Sockets(config, tables)))
    if 'stem' in {field.name for field in dataclasses.fields(cls)}:
        config['stem'] = {'kind': 'tokens', 'vocabulary': SIZES['V']}
        return probed(HeadOnStem(Sockets(config, tables)))
    if family != 'body':
        return probed(Sockets(config, tables).make(family, name=None, **made))
    if line.given == ('B', 'N'):
        config['stem'] = {'kind': 'tokens', 'vocabulary': SIZES['V']}
    if line.made == ('B', 'N', 'V'):
        config['head'] = {'kind': 'next_token', 'outputs': SIZES['V']}
        config['body']['causal'] = True
    refusal = None
    for downsample in ('none', 'separate_conv'):
        sockets = Sockets({**config, 'downsample': {'kind': downsample}}, tables)
        tried = probed(sockets.make('body', name=None, **made))
        try:
            tried.drawn()
            return tried
        except ValueError as error:
            refusal = error
    raise refusal


def handed(block: Probe) -> Probe | None:
    """The same mixer with everything that it takes (`TAKES`) given; None where it takes nothing."""
    if block.family != 'mixer' or not block.cls.TAKES:
        return None
    taken = block.cls.TAKES
    config = {**PLAIN, 'mixer': {'kind': block.kind}}
    if 'qk_norm' in taken:
        config['qk_norm'] = {'kind': 'rms_norm'}
    sockets = Sockets(config, block.tables)
    rules = {
        'rotate': sockets.tables['position']['rotary']().rotation,
        'bias': sockets.tables['position']['alibi']().score_bias,
        'values': lambda values: values * jnp.asarray(0.5, values.dtype) + jnp.sin(values),
        'first_values': jnp.sin,
    }
    handed = {name: rule for name, rule in rules.items() if name in taken}
    return dataclasses.replace(block, module=sockets.make('mixer', name=None), handed=handed)
