"""First values: what every entry's own parameters begin with, beside kernels and embeddings, as their papers say it."""

import json
from pathlib import Path

import jax
import pytest

from arch.probe import probe
from arch.shape_lines import shape_lines
from arch.sockets import TABLES

KNOWN = json.loads(Path(__file__).with_name('first_values.json').read_text(encoding='utf-8'))
"""`differ` holds {family: {kind: {parameter: [least, greatest]}}} of those that are not 0 or 1 everywhere, `zero` holds
{family: [kind/parameter]} of those that are 0."""
FAMILIES = ('mixer', 'channel', 'norm', 'residual', 'position')
DRAWN = ('kernel', 'embedding')
"""Parameters that an `initial` kind draws, which has tests of its own."""


def first_values(family: str, kind: str) -> dict[str, list[float]]:
    """The least and the greatest first value of each parameter; of mixers that read both ways those of one."""
    block = probe(family, kind, TABLES, shape_lines(TABLES[family][kind])[0])

    def own(x: jax.Array) -> dict[str, jax.Array]:
        leaves, _ = jax.tree_util.tree_flatten_with_path(block.init(jax.random.key(0), x)[0])
        named = {'/'.join(part.key for part in path): value for path, value in leaves if path[-1].key not in DRAWN}
        return {name: value for name, value in named.items() if not name.startswith('backward')}

    # Only what is asked for is compiled: the block itself is traced, and not run.
    return {name: [float(value.min()), float(value.max())] for name, value in jax.jit(own)(block.x()).items()}


@pytest.mark.parametrize('family', FAMILIES)
def test_parameters_begin_as_they_did(family):
    told = {kind: first_values(family, kind) for kind in TABLES[family]}
    odd = {kind: {name: ends for name, ends in own.items() if ends not in ([0, 0], [1, 1])} for kind, own in told.items()}
    odd = {kind: own for kind, own in odd.items() if own}
    assert set(odd) == set(KNOWN['differ'].get(family, {}))
    for kind, own in odd.items():
        assert own == {name: pytest.approx(ends, rel=1e-3, abs=1e-6) for name, ends in KNOWN['differ'][family][kind].items()}, (
            kind
        )
    zeros = {f'{kind}/{name}' for kind, own in told.items() for name, ends in own.items() if ends == [0, 0]}
    assert sorted(zeros) == KNOWN['zero'][family]
