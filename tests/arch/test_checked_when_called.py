"""A block looks at its width and body wherever it is called: in a whole model, and alone in a program of the user's own."""

import jax
import pytest

from arch.block import Block
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
