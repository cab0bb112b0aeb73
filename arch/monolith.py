"""Monolith: a user's own whole model, which fills the socket `body` and uses no other socket.

A block file names it in its table `MODELS`. It is one of two things:

- a flax module with `__call__(self, x, train)` that gives scores. Its streams of noise are 'dropout' and 'noise', in training;
  collections other than its parameters, such as 'batch_stats', are running statistics;
- a dataclass with `init(key, x) -> params, state` and `apply(params, state, x, key, train) -> scores, state`.

Fields called `outputs`, `vocabulary` and `causal` are set by the lab, from the head and the stem of the config; a spec may set
all others. `ROLES` says what parameters are for, see `arch/monolith_roles.py`.

>>> class Line(nn.Module):
...     '''One product. `[B, H, W, I] -> [B, V]`'''
...     outputs: int
...
...     @nn.compact
...     def __call__(self, x, train):
...         return nn.Dense(self.outputs, name='head')(x.reshape(len(x), -1))
>>> monolith(Line).FROM is Line
True
"""

import dataclasses
import functools
import inspect
from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp
from flax import errors
from flax import linen as nn

from arch.block import Body
from arch.context import Context
from arch.make import did_you_mean
from arch.model_sockets import Sockets

STREAMS = ('dropout', 'noise')
GIVEN = ('outputs', 'vocabulary', 'causal')
"""Fields that the lab sets."""
FORGOTTEN = ('intermediates', 'aux')
"""Collections of a flax module that are neither parameters nor running statistics."""
FLAGS = ('FITS', 'MIXES_BATCH')
SAID = (*FLAGS, 'ROLES')
"""What the class may say of itself: where it works, as a block does; whether examples of a batch see each other in training;
and the roles of its parameters."""
HIDDEN = ('parent', 'name', 'sockets')


class Monolith(Body):
    """The base of the classes that `monolith` makes: the fields of a user's class, and `own`, an instance of it."""

    FROM: ClassVar[type | None] = None
    """The user's class."""

    sockets: Sockets

    @nn.nowrap
    def own(self, causal: bool | None = None) -> object:
        """The user's model with all of its fields; `causal` unless the head says it."""
        config, fields = self.sockets.config, {field.name for field in dataclasses.fields(self.FROM) if field.init}
        head, stem = config['head'], config['stem']
        given = {
            'outputs': head.get('outputs', stem.get('vocabulary', 0)),
            'vocabulary': stem.get('vocabulary', 0),
            'causal': predicts_next(self.sockets) if causal is None else causal,
        }
        values = {name: getattr(self, name) for name in fields - {*GIVEN, *HIDDEN}}
        return self.FROM(**values, **{name: value for name, value in given.items() if name in fields})

    def __call__(self, x: jax.Array, context: Context) -> jax.Array:
        """Raises ValueError: a model of its own is called by `drawn` and `scored`."""
        raise ValueError(f"'{self.sockets.kind('body')}' is a model of its own and no block; build it by arch.model.build")


def is_monolith(config: dict, tables: Mapping[str, Mapping[str, type]]) -> bool:
    """Whether a config is of a user's own whole model."""
    cls = tables['body'].get(config['body']['kind'])
    return isinstance(cls, type) and issubclass(cls, Monolith)


def predicts_next(sockets: Sockets) -> bool:
    """Whether the head of a config works in causal bodies alone: a model of its own must then be causal."""
    return 'bidirectional' not in sockets.cls('head').FITS


@functools.cache
def monolith(cls: type) -> type[Monolith]:
    """The body that a user's model becomes. Raises ValueError, after the name of the class, for a class that is none."""
    if not (isinstance(cls, type) and dataclasses.is_dataclass(cls)):
        raise ValueError('is no class of flax.linen.Module and no dataclass; allowed: one of the two; derive or decorate it')
    calls = {'__call__': ('x', 'train')} if issubclass(cls, nn.Module) else _PAIR
    for name, arguments in calls.items():
        try:
            inspect.signature(getattr(cls, name)).bind('self', *arguments)
        except (AttributeError, TypeError) as error:
            raise ValueError(f"can't be called as {name}({', '.join(arguments)}): {error}; write it so") from None
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init and field.name not in (*GIVEN, *HIDDEN)}
    members: dict[str, object] = {
        name: dataclasses.field(default=field.default, default_factory=field.default_factory, kw_only=True)
        for name, field in fields.items()
    }
    members |= {'__annotations__': {name: field.type for name, field in fields.items()}}
    members |= {'__doc__': cls.__doc__, '__module__': cls.__module__, 'FROM': cls}
    for name in (name for name in vars(cls) if name.isupper()):
        meant = did_you_mean(name, SAID)
        if meant and name not in SAID:
            raise ValueError(f'says {name}, which is no flag of a model; allowed: {list(SAID)}.{meant}')
    members |= {name: getattr(cls, name) for name in FLAGS if hasattr(cls, name)}
    return type(cls.__name__, (Monolith,), members)


_PAIR = {'init': ('key', 'x'), 'apply': ('params', 'state', 'x', 'key', 'train')}


def drawn(own: object, key: jax.Array, x: jax.Array) -> tuple[dict, dict]:
    """Parameters and running statistics of a user's model. Raises ValueError where it does not give these."""
    if not isinstance(own, nn.Module):
        made = own.init(key, x)
        if not (isinstance(made, tuple) and len(made) == 2 and all(isinstance(tree, Mapping) for tree in made)):
            raise ValueError('init(key, x) gave no pair of dictionaries; return params, state ({} where there is no state)')
        return made
    keys = {name: jax.random.fold_in(key, number) for number, name in enumerate(('params', *STREAMS))}
    variables = dict(own.init(keys, x, False))
    params = variables.pop('params', {})
    return params, {name: tree for name, tree in variables.items() if name not in FORGOTTEN}


def scored(own: object, params: dict, state: dict, x: jax.Array, key: jax.Array | None, train: bool) -> tuple[jax.Array, dict]:
    """Scores in float32 and the next running statistics, which change in training alone."""
    if not isinstance(own, nn.Module):
        made = own.apply(params, state, x, key, train)
        if not (isinstance(made, tuple) and len(made) == 2):
            raise ValueError('apply(params, state, x, key, train) gave no pair; return scores, state')
        return jnp.asarray(made[0], jnp.float32), made[1]
    keys = {name: jax.random.fold_in(key, number) for number, name in enumerate(STREAMS)} if train else {}
    try:
        y, changed = own.apply({'params': params, **state}, x, train, rngs=keys, mutable=list(state) if train else [])
    except errors.InvalidRngError as error:
        said = str(error).partition(' (https')[0]
        raise ValueError(f'{said}; streams of noise are {list(STREAMS)}, and only where train is true') from error
    except errors.ModifyScopeVariableError as error:
        said = str(error).partition(' (https')[0]
        raise ValueError(f'{said}; running statistics change only where train is true') from error
    return y.astype(jnp.float32), {**state, **changed}
