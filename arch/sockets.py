"""Sockets: the places of a model where a kind can be chosen, and the tables of kinds that fit them."""

from pathlib import Path

from flax import linen as nn

from ablations.user_file import STOPS, compiled, in_words, run
from arch.activations import ACTIVATIONS
from arch.block import adopted_tables
from arch.blocks import BLOCKS
from arch.bodies import BODIES
from arch.channel import CHANNELS
from arch.downsamples import DOWNSAMPLES
from arch.heads import HEADS
from arch.initials import INITIALS, Initial
from arch.make import did_you_mean
from arch.mixers import MIXERS
from arch.monolith import monolith
from arch.norms import NORMS
from arch.positions import POSITIONS
from arch.residuals import RESIDUALS
from arch.stems import STEMS

TABLES = {
    'body': BODIES,
    'stem': STEMS,
    'position': POSITIONS,
    'block': BLOCKS,
    'mixer': MIXERS,
    'norm': NORMS,
    'qk_norm': NORMS,
    'residual': RESIDUALS,
    'channel': CHANNELS,
    'activation': ACTIVATIONS,
    'downsample': DOWNSAMPLES,
    'head': HEADS,
    'initial': INITIALS,
}
"""Socket -> kinds. A model config has exactly these sockets, each filled by one spec."""

NAMES = {
    'BODIES': 'body',
    'STEMS': 'stem',
    'POSITIONS': 'position',
    'BLOCKS': 'block',
    'MIXERS': 'mixer',
    'NORMS': 'norm',
    'RESIDUALS': 'residual',
    'CHANNELS': 'channel',
    'ACTIVATIONS': 'activation',
    'DOWNSAMPLES': 'downsample',
    'HEADS': 'head',
    'INITIALS': 'initial',
}
"""The names of the tables in a user's block file."""
WHOLE = 'MODELS'
"""The name of the table of a user's own whole models, which fill the socket `body` (arch/monolith.py)."""
SHARED = {'qk_norm': 'norm'}
"""Sockets that are filled from another socket's table."""
FAMILIES = tuple(family for family in TABLES if family not in SHARED)
"""The sockets that have a table of their own."""


def _own_tables(path: str, names: dict[str, object]) -> dict[str, dict]:
    """The tables among the names of a user's file; raises ValueError without any, or for a table with an unknown name."""
    tables = [*NAMES, WHOLE]
    for name, value in names.items():
        if name in tables and not isinstance(value, dict):
            raise ValueError(
                f"blocks='{path}': {name} is a {type(value).__name__}; allowed: a dict of kinds; write e.g. {{'mine': Mine}}"
            )
        meant = did_you_mean(name.upper(), tables)
        if meant and name not in tables and isinstance(value, dict) and value and all(map(_is_kind, value.values())):
            raise ValueError(f"blocks='{path}': {name} holds blocks and is no table; allowed: {sorted(tables)}.{meant}")
    own = {name: names[name] for name in tables if name in names}
    if not own:
        raise ValueError(f"blocks='{path}' defines no table; allowed: {sorted(tables)}; add e.g. NORMS = {{'my_norm': MyNorm}}")
    return own


def _is_kind(cls: object) -> bool:
    return isinstance(cls, type) and issubclass(cls, (nn.Module, Initial))


def load_tables(path: str | None, expected: str = '') -> dict[str, dict[str, type]]:
    """The tables, with those of a user's block file merged in: the file defines e.g. `NORMS = {'my_norm': MyNorm}`.

    A plain flax module gets the base class of its family (`arch/block.py`). `expected` is the hash of the version that is
    meant. Raises ValueError for a file that is absent, another version or broken, for no table or a misspelt one, and for a
    name of the lab.
    """
    tables = {family: dict(kinds) for family, kinds in TABLES.items()}
    if not path:
        return tables
    if not Path(path).is_file():
        raise ValueError(f"blocks='{path}': no such file; give the path of a Python file that defines e.g. NORMS = {{...}}")
    try:
        code = compiled(path, expected)
    except ValueError as error:
        raise ValueError(f"blocks='{path}' {error}") from None
    try:
        module = run(code, 'archlab_blocks')
    except STOPS as error:
        raise ValueError(f"blocks='{path}' does not load: {in_words(error)}; mend the file") from error
    own = _own_tables(path, vars(module))
    for name, kinds in own.items():
        for kind, cls in kinds.items():
            if name == WHOLE:
                _add(path, name, tables['body'], kind, _monolith(path, kind, cls))
                continue
            base, called = (Initial, 'arch.initials.Initial') if name == 'INITIALS' else (nn.Module, 'flax.linen.Module')
            if not (isinstance(cls, type) and issubclass(cls, base)):
                raise ValueError(
                    f"blocks='{path}': {name}['{kind}'] is {cls!r}; allowed: a class of {called}; derive it from that"
                )
            _add(path, name, tables[NAMES[name]], kind, cls)
    for family, other in SHARED.items():
        tables[family] = dict(tables[other])
    return adopted_tables(tables)


def _add(path: str, name: str, table: dict[str, type], kind: str, cls: type) -> None:
    """A kind of a user's table beside those that are there. Raises ValueError for a name that is taken."""
    if kind in table:
        raise ValueError(f"blocks='{path}': {name} has '{kind}', which the lab uses already; rename it")
    table[kind] = cls


def _monolith(path: str, kind: str, cls: type) -> type:
    try:
        return monolith(cls)
    except ValueError as error:
        called = cls.__name__ if isinstance(cls, type) else repr(cls)
        raise ValueError(f"blocks='{path}': {WHOLE}['{kind}'] {called} {error}") from None
