"""A block looks at its width and body wherever it is called: in a whole model, and alone in a program of the user's own."""

import jax
import pytest
from test_fits import config_of, inputs
from test_golden_refusals import SIZED, place_of

from arch.block import Block, Body
from arch.make import fields
from arch.model import build
from arch.probe import probe
from arch.shape_lines import shape_lines
from arch.sockets import TABLES

CHECKED = [
    (family, kind)
    for family in ('channel', 'mixer')
    for kind in TABLES[family]
    if TABLES[family][kind].check is not Block.check
]


@pytest.mark.parametrize(('family', 'kind'), CHECKED, ids=[f'{family}-{kind}' for family, kind in CHECKED])
def test_a_block_is_checked_where_it_is_called(family, kind, monkeypatch):
    seen = []
    monkeypatch.setattr(TABLES[family][kind], 'check', lambda _, width, causal: seen.append((width, causal)))
    one = probe(family, kind, TABLES, shape_lines(TABLES[family][kind])[0])
    jax.eval_shape(lambda x: one.init(jax.random.key(0), x, causal=True), one.x())
    assert seen == [(one.x().shape[-1], True)]


ALSO = [
    (family, kind)
    for family in ('body', 'block', 'position', 'residual', 'norm')
    for kind, cls in TABLES[family].items()
    if cls.check not in (Block.check, Body.check) and (family != 'norm' or kind == 'group_norm')
]
"""The other kinds that look when they are called; of norms only the one whose groups have to divide the width."""


@pytest.mark.parametrize(('family', 'kind'), ALSO, ids=[f'{family}-{kind}' for family, kind in ALSO])
def test_kinds_of_other_families_are_checked_too(family, kind, monkeypatch):
    config = config_of(family, kind, place_of(family, kind))
    if family == 'body':
        given = {name: value for name, value in config['body'].items() if name in ('kind', *fields(TABLES['body'][kind]))}
        config['body'] = {**given, **SIZED.get(kind, {})}
    model, seen = build(config), []
    monkeypatch.setattr(TABLES[family][kind], 'check', lambda _, *given: seen.append(given))
    jax.eval_shape(lambda x: model.init(jax.random.key(0), x, {}), inputs(config))
    assert seen
