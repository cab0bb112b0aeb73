"""Refusals on record: what each entry of each table says to values that it can't have (tests/golden/refusals_*.txt).

Every field is given values below, at and above its limits, a word that it does not know and a list with nothing in it. A field
that takes them all has no line; so a line that goes is a limit that is asked for no longer.
"""

import os
from collections.abc import Iterator

import golden_texts
import pytest
from test_fits import AROUND, SIZED, claims, config_of, drawn

from arch.make import fields
from arch.sockets import TABLES

LINE = '{kind}.{name}={value!r}: '
ABOVE = 17
"""One more than the width and the positions of the models here, and no divisor of anything."""
BODIES = {'hierarchical': ('hierarchical', 'bidirectional', 'maps'), 'patched': ('isotropic', 'causal', 'tokens')}
"""The places of bodies that take more than tokens in any order."""


def beyond(default: object) -> tuple[tuple, ...]:
    """Values to try for a field, in rows: of each row the first that is refused is told."""
    if isinstance(default, bool):
        return ()
    if isinstance(default, int):
        return (0, -1), (default + 1, ABOVE)
    if isinstance(default, float):
        return (0.0, -1.0), (1.5,)
    if isinstance(default, str):
        return (('nothing_known',),)
    return ((),), ((0, 0), (-1, -1)), ((3, 3, 3),)


def place_of(family: str, kind: str) -> tuple[str, ...] | None:
    if family == 'body':
        return BODIES.get(kind, ('isotropic', 'bidirectional', 'tokens'))
    return next((places for places in AROUND if claims(family, kind, places)), None)


def answer(family: str, kind: str, places: tuple[str, ...], **own: object) -> str:
    """What is said to values of fields; '' where they are taken."""
    config = config_of(family, kind, places)
    sized = SIZED.get(kind, {}) if family == 'body' else {}
    config[family] = {
        **{name: v for name, v in config[family].items() if name in ('kind', *fields(TABLES[family][kind]))},
        **sized,
        **own,
    }
    try:
        drawn(config)
    except ValueError as error:
        return str(error)
    return ''


def refused(family: str, known: list[str] | None) -> Iterator[str]:
    """A line for each refusal, of those that are `known`; of all values that are tried, where none are given."""
    for kind, cls in TABLES[family].items():
        places = place_of(family, kind)
        for name, field in fields(cls).items() if places else ():
            for row in beyond(field.default):
                for value in row:
                    line = LINE.format(kind=kind, name=name, value=value)
                    if known is not None and not any(one.startswith(line) for one in known):
                        continue
                    said = answer(family, kind, places, **{name: value})
                    if said or known is not None:
                        yield line + said
                        break


FAMILIES = [family for family in TABLES if family not in ('qk_norm', 'activation')]


@pytest.mark.parametrize('family', FAMILIES)
def test_values_that_no_entry_can_have_are_refused_in_these_words(family):
    file = golden_texts.FOLDER / f'refusals_{family}.txt'
    known = None if os.environ.get(golden_texts.ANEW) else file.read_text(encoding='utf-8').splitlines()
    golden_texts.hold(f'refusals_{family}', '\n'.join(refused(family, known)))
