"""What each entry asks of the sockets of its model, and with which site, width, stride or end: tests/golden/sockets.txt."""

import golden_texts
from test_fits import config_of, drawn
from test_golden_refusals import SIZED, place_of

from arch.make import fields
from arch.model_sockets import Sockets
from arch.sockets import TABLES

FAMILIES = ('body', 'stem', 'block', 'residual', 'downsample', 'head', 'channel', 'mixer')
ALSO = {('head', 'wide_classifier'): {'hidden': 8}}
"""Fields of entries that ask for more than their defaults do."""


def asked(family: str, kind: str, monkeypatch: object) -> list[str]:
    """The calls of `Sockets.make` for parts with a name while a whole model with the entry is walked through, each once."""
    told, real = [], Sockets.make

    def make(self: Sockets, family: str, **given: object) -> object:
        values = {name: value for name, value in given.items() if isinstance(value, str | int | bool | float | type(None))}
        if values['name'] is not None:
            told.append(f'  {family} {values}')
        return real(self, family, **given)

    monkeypatch.setattr(Sockets, 'make', make)
    config = config_of(family, kind, place_of(family, kind))
    config[family] = {**config[family], **ALSO.get((family, kind), {})}
    if family == 'body':
        given = {name: value for name, value in config['body'].items() if name in ('kind', *fields(TABLES['body'][kind]))}
        config['body'] = {**given, **SIZED.get(kind, {})}
    elif family in ('block', 'residual') and 'depth' in config['body']:
        config['body'] = {**config['body'], 'depth': 2}
    drawn(config)
    monkeypatch.setattr(Sockets, 'make', real)
    return list(dict.fromkeys(told))


def test_entries_ask_for_what_they_did(monkeypatch):
    lines = []
    for family in FAMILIES:
        for kind in TABLES[family]:
            if place_of(family, kind) is not None:
                lines += [f'{family} {kind}', *asked(family, kind, monkeypatch)]
    golden_texts.hold('sockets', '\n'.join(lines))
