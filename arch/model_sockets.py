"""Model sockets: the config of one model with its tables. Blocks make their inner blocks by it."""

import copy
from collections.abc import Mapping

from arch.block import Block, adopted_tables
from arch.flags import Flags
from arch.make import did_you_mean, make


class Sockets:
    """A model config with the tables that resolve it; `make` fills one socket.

    >>> from arch.norms import NORMS
    >>> sockets = Sockets({'norm': {'kind': 'rms_norm', 'eps': 1e-5}}, {'norm': NORMS})
    >>> sockets.kind('norm'), sockets.cls('norm').__name__
    ('rms_norm', 'RmsNorm')
    >>> sockets.make('norm', name='norm_mixer', site='mixer').eps
    1e-05

    Raises ValueError for a config that is not a dictionary with a spec for exactly the sockets of the tables.
    """

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

    def make(self, family: str, name: str | None, **given: object) -> Block:
        """A new block for a socket, by the explicit `name` of its parameters; `given` are fields that the lab sets.

        For the socket `initial` it is an `arch.initials.Initial`.
        """
        return make(family, self.tables[family], self.config[family], name=name, sockets=self, **given)
