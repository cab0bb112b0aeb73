"""What each entry's own parameters start with: gains, biases, rates and steps, as files of tests/golden. Kernels have tests of
their own (test_initials.py) and start with 0 here, so that nothing but what an entry says itself is drawn."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from golden_texts import hold

from arch.context import Context
from arch.contracts.programs import weights
from arch.probe import probe
from arch.roles import names
from arch.shape_lines import shape_lines
from arch.sockets import FAMILIES, TABLES


def zeros(context: Context, key: jax.Array, shape: tuple[int, ...], *_: object, **__: object) -> jax.Array:
    return jnp.zeros(shape)


@pytest.mark.parametrize('family', [family for family in FAMILIES if family not in ('initial', 'body', 'activation')])
def test_own_parameters_start_as_they_did(family: str, monkeypatch):
    monkeypatch.setattr(Context, 'kernel', zeros)
    probes = {kind: probe(family, kind, TABLES, shape_lines(cls)[0]) for kind, cls in TABLES[family].items()}

    @jax.jit
    def first() -> dict:
        return {kind: one.init(jax.random.key(0), one.x())[0] for kind, one in probes.items()}

    lines = []
    for path, leaf in jax.tree.leaves_with_path(first()):
        kind, *inner = names(path)
        numbers = np.asarray(leaf, np.float64).ravel()
        if numbers.any():
            size, mean = np.abs(numbers).mean(), (numbers * weights(numbers.shape)).mean()
            lines.append(f'{kind} {"/".join(inner)} {list(leaf.shape)}: {size:.4g} {mean:.4g}')
    hold(f'initial_{family}', '\n'.join(lines))
