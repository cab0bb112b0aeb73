"""Model sockets: the config of one model with its tables. Blocks make their inner blocks by it."""

import copy
import functools
from collections.abc import Mapping

from arch.block import Block, adopted_tables
from arch.flags import Flags
from arch.make import did_you_mean, make
from arch.stack import Layer, layers

MADE_OF = ('mixer', 'channel')
"""The sockets whose kinds may be made of other kinds of the same socket."""


class Sockets:
    """A model config with the tables that resolve it; `make` fills one socket.

    >>> from arch.norms import NORMS
    >>> sockets = Sockets({'norm': {'kind': 'rms_norm', 'eps': 1e-5}}, {'norm': NORMS})
    >>> sockets.kind('norm'), sockets.cls('norm').__name__
    ('rms_norm', 'RmsNorm')
    >>> sockets.make('norm', name='norm_mixer', site='mixer').eps
    1e-05

    `layers`, `of_layer` and `distinct` are for bodies whose layers differ, by a `stack` (arch/stack.py), `inner` for mixers
    that are made of mixers and channel blocks that are made of channel blocks. `where` says which layers or part the sockets
    are of, for errors; '' for all.

    Raises ValueError for a config that is not a dictionary with a spec for exactly the sockets of the tables.
    """

    where = ''
    part = ''
    """The socket whose kind is within another one of that socket, of `MADE_OF`; '' where these are no such sockets."""

    def __init__(self, config: dict, tables: Mapping[str, Mapping[str, type]]):
        if not isinstance(config, dict):
            raise ValueError(
                f'the model config is a {type(config).__name__}; allowed: a dictionary of specs; '
                'give one, such as the base of a task'
            )
        for name in config:
            if name not in tables:
                raise ValueError(f"unknown socket '{name}'; allowed: {sorted(tables)}.{did_you_mean(name, tables)}")
        missing = [name for name in tables if name not in config]
        if missing:
            raise ValueError(f'the model config lacks {missing}; it needs all of {sorted(tables)}; add a spec for each')
        self.config = copy.deepcopy(config)
        self.tables = adopted_tables(tables)
        self._classes: dict[str, type[Flags]] = {}

    def kind(self, family: str) -> str:
        """The kind that fills a socket."""
        spec = self.config[family]
        return spec['kind'] if isinstance(spec, dict) and 'kind' in spec else ''

    def cls(self, family: str) -> type[Flags]:
        """The class that fills a socket; raises ValueError on an unknown kind or field."""
        if family not in self._classes:
            self._classes[family] = type(self.make(family, name=None, features=1))
        return self._classes[family]

    @functools.cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The layers of the body in order, if its `stack` says that they differ; else ().

        Raises ValueError for a stack that does not fit the body.
        """
        body = self.config['body']
        stack = body.get('stack') if isinstance(body, dict) else None
        if not stack:
            return ()
        return tuple(layers(stack, self.make('body', name=None).stages(), self.config))

    def of_layer(self, number: int) -> 'Sockets':
        """The sockets of one layer, counted from 0: this one's own, but for what the stack says."""
        return self._by_entry[self.layers[number].entry] if self.layers else self

    def distinct(self) -> list['Sockets']:
        """The sockets of layers that differ, each once, in the order of their first layer, each with its `inner` ones."""
        return [own for own, _ in self.distinct_with_layers()]

    def distinct_with_layers(self) -> list[tuple['Sockets', list[int]]]:
        """The same, each with the numbers of its layers; without a stack there are none, for all layers are alike."""
        if not self.layers:
            return [(own, []) for own in (self, *self.within())]
        numbers: dict[int, list[int]] = {entry: [] for entry in self._by_entry}
        for number, layer in enumerate(self.layers):
            numbers[layer.entry].append(number)
        return [(own, numbers[entry]) for entry, layer in self._by_entry.items() for own in (layer, *layer.within())]

    def inner(self, family: str) -> list['Sockets']:
        """The sockets of each kind that the mixer, or the channel block, is made of: these ones but for that socket."""
        made = []
        for path, spec in self.make(family, name=None).parts().items():
            made.append(Sockets({**self.config, family: _thawed(spec)}, self.tables))
            made[-1].where, made[-1].part = f'{self.where}{family}.{path}: ', family
        return made

    def within(self) -> list['Sockets']:
        """The `inner` sockets with theirs."""
        families = (self.part,) if self.part else MADE_OF
        return [own for family in families for part in self.inner(family) for own in (part, *part.within())]

    def takes(self, need: str) -> bool:
        """Whether the mixer, or one that it is made of, takes this of `arch.flags.TAKEN`."""
        return any(need in own.cls('mixer').TAKES for own in (self, *self.within()))

    @functools.cached_property
    def _by_entry(self) -> dict[int, 'Sockets']:
        body = {name: value for name, value in self.config['body'].items() if name != 'stack'}
        made = {}
        for layer in self.layers:
            if layer.entry not in made:
                made[layer.entry] = Sockets({**self.config, **layer.specs, 'body': body}, self.tables)
                made[layer.entry].where = f'body.stack[{layer.entry}]: ' if layer.entry >= 0 else ''
        return made

    def make(self, family: str, name: str | None, **given: object) -> Block:
        """A new block for a socket, by the explicit `name` of its parameters; `given` are fields that the lab sets.

        For the socket `initial` it is an `arch.initials.Initial`.
        """
        try:
            return make(family, self.tables[family], self.config[family], name=name, sockets=self, **given)
        except ValueError as error:
            raise ValueError(f'{self.where}{error}') from None


def _thawed(spec: object) -> object:
    """A spec as it was written: a module keeps dictionaries and lists of its fields in forms that can't be changed."""
    if isinstance(spec, Mapping):
        return {name: _thawed(value) for name, value in spec.items()}
    return [_thawed(value) for value in spec] if isinstance(spec, (list, tuple)) else spec
