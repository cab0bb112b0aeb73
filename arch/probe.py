"""Probe: one entry of a table alone in its socket, with an input such as one of its shape lines names."""

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.context import Context
from arch.make import fields
from arch.shape_lines import SIZES, ShapeLine, sizes
from arch.sockets import Sockets

PLAIN = {
    'body': {'kind': 'isotropic', 'width': SIZES['C']},
    'stem': {'kind': 'patchify', 'patch': 2},
    'position': {'kind': 'none'},
    'block': {'kind': 'two_branch'},
    'mixer': {'kind': 'depthwise_conv', 'kernel': 3},
    'norm': {'kind': 'layer_norm'},
    'residual': {'kind': 'pre'},
    'channel': {'kind': 'mlp', 'ratio': 2.0},
    'activation': {'kind': 'gelu'},
    'downsample': {'kind': 'none'},
    'head': {'kind': 'classifier', 'outputs': SIZES['V']},
}
"""What surrounds the entry: the lab's plainest kinds."""


@dataclasses.dataclass(frozen=True)
class Probe:
    """A block as pure functions, with a random input `x`; `table_class` is its class."""

    family: str
    line: ShapeLine
    module: nn.Module

    @property
    def fields(self) -> dict[str, object]:
        return {name: getattr(self.module, name) for name in fields(type(self.module))}

    @property
    def knobs(self) -> tuple[str, ...]:
        return tuple(getattr(self.module, 'KNOBS', ()))

    @property
    def takes_ids(self) -> bool:
        return self.line.given == ('B', 'N')

    def x(self, seed: int = 0) -> jax.Array:
        """A random input: ids below V, or normal numbers."""
        key, shape = jax.random.key(seed), sizes(self.line.given, self.fields)
        return jax.random.randint(key, shape, 0, SIZES['V']) if self.takes_ids else jax.random.normal(key, shape)

    def init(self, key: jax.Array, x: jax.Array, knobs: Mapping = {}, causal: bool = False) -> tuple[dict, dict]:
        """Parameters and running statistics."""
        variables = self.module.init({'params': key}, x, *self._stages(), Context(causal=causal, knobs=knobs))
        return variables.get('params', {}), variables.get('state', {})

    def apply(self, params: dict, state: dict, x: jax.Array, *, key=None, train=False, **context: object) -> tuple:
        """The output and the next running statistics; `context` are further fields of Context."""
        y, changed = self.module.apply(
            {'params': params, 'state': state},
            x,
            *self._stages(),
            Context(train=train, **context),
            rngs={} if key is None else {'noise': key},
            mutable=['state', 'aux'],
        )
        return y, changed.get('state', state)

    def start(self) -> tuple[dict, dict]:
        """Parameters moved off their first values, at which gains of 0 hide what lies behind them; and statistics."""

        @jax.jit
        def draw() -> tuple[dict, dict]:
            params, state = self.init(jax.random.key(1), self.x())
            leaves, tree = jax.tree.flatten(params)
            moved = [leaf + 0.3 * jax.random.normal(jax.random.key(i), leaf.shape) for i, leaf in enumerate(leaves)]
            return jax.tree.unflatten(tree, moved), state

        return draw()

    def _stages(self) -> tuple:
        """What a residual rule is given beside x: the branch's two stages and the norm between."""
        if self.family != 'residual':
            return ()
        return lambda y: y * 0.5, jnp.sin, lambda y: y - y.mean(-1, keepdims=True)


def probe(family: str, kind: str, tables: Mapping[str, Mapping[str, type]], line: ShapeLine) -> Probe:
    """The probe of one entry for one shape line. Raises ValueError where no model has a place for it."""
    config = {**PLAIN, family: {'kind': kind}}
    made = {'features': SIZES.get(line.made[-1], 0), 'place': 1.0}
    if 'outputs' in fields(tables[family][kind]):
        config[family]['outputs'] = SIZES['V']
    if family != 'body':
        return Probe(family, line, Sockets(config, tables).make(family, name=None, **made))
    if line.given == ('B', 'N'):
        config['stem'] = {'kind': 'tokens', 'vocabulary': SIZES['V']}
    if line.made == ('B', 'N', 'V'):
        config['head'] = {'kind': 'next_token', 'outputs': SIZES['V']}
    refusal = None
    for downsample in ('none', 'separate_conv'):
        sockets = Sockets({**config, 'downsample': {'kind': downsample}}, tables)
        found = Probe(family, line, sockets.make('body', name=None, **made))
        try:
            jax.eval_shape(lambda found=found: found.init(jax.random.key(0), found.x()))
            return found
        except ValueError as error:
            refusal = error
    raise refusal
