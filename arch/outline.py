"""Outline: the modules of a model in the order of computation, with sizes; nothing is computed."""

import dataclasses
import re
from collections.abc import Mapping

import jax
import jax.numpy as jnp
from flax import linen as nn

from arch.block import adopted_tables
from arch.cost import folded
from arch.model import build
from arch.model_sockets import Sockets
from arch.monolith import is_monolith
from arch.roles import names
from arch.sockets import TABLES

BLOCK = re.compile(r'^block_(?P<layer>\d+)$')


@dataclasses.dataclass(frozen=True)
class Part:
    """One module of a model; `times` equal blocks in a row are one part.

    `name`: the name of its parameters. `socket`, `kind`: the socket and the kind that fills it; a module from no socket has its
    class as kind. `spec`: the fields that the config gives it. `shape`: its output for one example, or that of each of several
    arrays. `params`: its number of parameters, with those of inner parts. `kernel`: the shape of its own kernel, if it has one.
    """

    name: str
    socket: str
    kind: str
    shape: tuple[tuple[int, ...], ...]
    params: int
    kernel: tuple[int, ...] = ()
    times: int = 1
    inside: tuple['Part', ...] = ()
    spec: Mapping[str, object] = dataclasses.field(default_factory=dict)

    @property
    def alike(self) -> tuple:
        """The fields that must be equal in blocks shown as one."""
        inside = tuple((part.name, part.alike) for part in self.inside)
        return self.socket, self.kind, dict(self.spec), self.shape, self.params, self.kernel, inside


def outline(config: dict, x: jax.ShapeDtypeStruct, tables: Mapping[str, Mapping[str, type]] = TABLES) -> list[Part]:
    """The parts of a config's model, for inputs like `x`, in the order of their outputs.

    Raises ValueError where the config does not build.
    """
    build(config, tables)
    tables = adopted_tables(tables)
    short, stands_for = folded(config, tables)
    model, key, sockets = build(short, tables), jax.random.key(0), Sockets(short, tables)
    params, state = jax.eval_shape(lambda: model.init(key, jnp.zeros(x.shape, x.dtype), {}))
    if is_monolith(config, tables):
        scores = jax.eval_shape(lambda p, s, x: model.apply(p, s, x, knobs={}, key=key, train=False)[0], params, state, x)
        return [
            Part('model', '', 'a model of its own', (scores.shape[1:],), sum(leaf.size for leaf in jax.tree.leaves(params)))
        ]
    called: dict[tuple[str, ...], tuple] = {}

    def record(call, args, kwargs, context):
        y = call(*args, **kwargs)
        if context.method_name == '__call__' and context.module.path:
            shapes = tuple(tuple(leaf.shape[1:]) for leaf in jax.tree.leaves(y))
            called.setdefault(context.module.path, (context.module, shapes))
        return y

    with nn.intercept_methods(record):
        jax.eval_shape(lambda p, s, x: model.apply(p, s, x, knobs={}, key=key, train=False)[0], params, state, x)
    leaves = [(names(path), leaf.shape, leaf.size) for path, leaf in jax.tree_util.tree_leaves_with_path(params)]

    def part(path: tuple[str, ...]) -> Part:
        module, shapes = called[path]
        inside = [other for other in called if other[:-1] == path]
        size = sum(size for where, _, size in leaves if where[: len(path)] == path)
        kernel = next((shape for where, shape, _ in leaves if where == (*path, 'kernel')), ())
        times = len(stands_for.get(path[0], path[:1])) if len(path) == 1 else 1
        own = _of_layer(path, sockets)
        socket, kind, spec = _filled(module, own)
        parts = tuple(map(part, inside))
        if socket == 'block' and own.config['position'] != sockets.config['position']:
            # The layer's own position is a rule that its mixer is given, and no module.
            parts = (Part('position', 'position', own.kind('position'), shapes, 0, spec=_fields(own, 'position')), *parts)
        return Part(path[-1], socket, kind, shapes, size, kernel, times, parts, spec)

    parts: list[Part] = []
    for path in called:
        if len(path) == 1:
            new = part(path)
            if parts and new.socket == 'block' and parts[-1].alike == new.alike:
                parts[-1] = dataclasses.replace(parts[-1], times=parts[-1].times + new.times)
            else:
                parts.append(new)
    return parts


def _of_layer(path: tuple[str, ...], sockets: Sockets) -> Sockets:
    """The sockets of the layer that the module at a path is in, or those of the model."""
    block = BLOCK.match(path[0])
    return sockets.of_layer(int(block['layer'])) if block else sockets


def _fields(sockets: Sockets, socket: str) -> dict:
    return {name: value for name, value in sockets.config[socket].items() if name != 'kind'}


def _filled(module: nn.Module, own: Sockets) -> tuple[str, str, dict]:
    """The socket that a module fills, its kind, and its other fields."""
    filled = [socket for socket, table in own.tables.items() if table.get(own.kind(socket)) is type(module)]
    if not filled:
        return '', type(module).__name__, {}
    socket = 'qk_norm' if 'qk_norm' in filled and module.site == 'queries' else filled[0]
    return socket, own.kind(socket), _fields(own, socket)
