"""Entries with a field changed: what else they ask of sockets, which kernels they draw, and which parameters they have.

tests/golden/variants_*.txt has a line for all that comes (+) or goes (-) with a switch turned, another word, or a number that
is not 0. The entries as they are by default stand in tests/golden/sockets.txt and initial_*.txt.
"""

import re
from collections.abc import Iterator

import jax
import pytest
from golden_texts import FOLDER, hold
from test_fits import config_of, drawn
from test_golden_refusals import place_of

from arch.context import Context
from arch.make import fields
from arch.model_sockets import Sockets
from arch.roles import names
from arch.sockets import TABLES

FAMILIES = ('block', 'mixer', 'channel', 'residual', 'stem', 'downsample', 'head', 'norm', 'position')
SAID = re.compile(r"^(\w+)\.(\w+)='nothing_known'.*allowed: \[([^\]]*)\]", re.MULTILINE)


def others(family: str) -> dict[tuple[str, str], list[object]]:
    """(kind, field): values beside its default. The words are those that its refusal of an unknown one lists.

    A field that several kinds have from one base class is tried on the first of them.
    """
    said = SAID.findall((FOLDER / f'refusals_{family}.txt').read_text(encoding='utf-8'))
    words = {(kind, field): re.findall(r"'([^']*)'", listed) for kind, field, listed in said}
    values, met = {}, set()
    for kind, cls in TABLES[family].items():
        for name, field in fields(cls).items():
            owner = next(base for base in cls.__mro__ if name in vars(base).get('__annotations__', {}))
            default, new = field.default, (owner, name) not in met
            met.add((owner, name))
            if not new:
                continue
            if isinstance(default, bool):
                values[kind, name] = [not default]
            elif (kind, name) in words:
                values[kind, name] = [word for word in words[kind, name] if word != default]
            elif isinstance(default, int | float) and not default:
                values[kind, name] = [type(default)(2)]
    return values


def walked(config: dict, monkeypatch: object) -> list[str]:
    """What a walk through a whole model asks for, draws and holds, each once."""
    told, make, kernel = [], Sockets.make, Context.kernel

    def asked(self: Sockets, family: str, **given: object) -> object:
        values = {name: value for name, value in given.items() if isinstance(value, str | int | float | type(None))}
        if values['name'] is not None:
            told.append(f'{family} {values}')
        return make(self, family, **given)

    def draws(self: Context, key: jax.Array, shape: tuple, fan_in: int, fan_out: int, end=False, branch=True) -> jax.Array:
        told.append(f'kernel {list(shape)} of {fan_in} to {fan_out}{" end" * end}{" unscaled" * (not branch)}')
        return kernel(self, key, shape, fan_in, fan_out, end, branch)

    monkeypatch.setattr(Sockets, 'make', asked)
    monkeypatch.setattr(Context, 'kernel', draws)
    try:
        for tree in drawn(config):
            for path, leaf in jax.tree.leaves_with_path(tree):
                told.append(f'{"/".join(names(path))} {list(leaf.shape)}')
    finally:
        monkeypatch.undo()
    return list(dict.fromkeys(told))


def lines(family: str, monkeypatch: object) -> Iterator[str]:
    """What comes and goes with each other value of each field."""
    plain = {}
    for (kind, name), values in others(family).items():
        config = config_of(family, kind, place_of(family, kind))
        if kind not in plain:
            plain[kind] = walked(config, monkeypatch)
        for value in values:
            yield f'{kind}.{name}={value!r}'
            try:
                now = walked({**config, family: {**config[family], name: value}}, monkeypatch)
            except ValueError as error:
                yield f'  {error}'
                continue
            yield from (f'  + {line}' for line in now if line not in plain[kind])
            yield from (f'  - {line}' for line in plain[kind] if line not in now)


@pytest.mark.parametrize('family', FAMILIES)
def test_entries_with_a_field_changed_ask_for_draw_and_hold_what_they_did(family, monkeypatch):
    hold(f'variants_{family}', '\n'.join(lines(family, monkeypatch)))
