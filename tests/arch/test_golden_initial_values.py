"""What each entry's own parameters start with: gains, biases, rates and steps, as files of tests/golden.

How kernels are drawn has tests of its own (test_initials.py). Here they tell what an entry asks for: their fans, whether it is
the last product of a branch, and whether a branch's scale counts for it.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from golden_texts import hold
from heard_programs import measured

from arch.context import Context
from arch.probe import probe
from arch.roles import names
from arch.shape_lines import shape_lines
from arch.sockets import FAMILIES, TABLES

FANS = 1 << 11
"""More than any fan, so that a kernel's code is a whole number of float32."""


def coded(
    _: Context, key: jax.Array, shape: tuple[int, ...], fan_in: int, fan_out: int, end: bool = False, branch: bool = True
) -> jax.Array:
    """A kernel whose numbers all are the code of what was asked for."""
    assert max(fan_in, fan_out) < FANS
    return jnp.full(shape, ((fan_in * FANS + fan_out) * 2 + end) * 2 + branch, jnp.float32)


def told(numbers: np.ndarray) -> str:
    if (numbers == numbers[0]).all() and numbers[0] > FANS:
        (fans, flags) = divmod(int(numbers[0]), 4)
        return f'{fans // FANS} to {fans % FANS}{", end" * (flags >> 1)}{", unscaled" * (1 - (flags & 1))}'
    return ' '.join(f'{one:.4g}' for one in measured(numbers))


@pytest.mark.parametrize('family', [family for family in FAMILIES if family not in ('initial', 'body')])
def test_own_parameters_start_as_they_did(family: str, monkeypatch):
    monkeypatch.setattr(Context, 'kernel', coded)
    probes = {kind: probe(family, kind, TABLES, shape_lines(cls)[0]) for kind, cls in TABLES[family].items()}

    @jax.jit
    def first() -> dict:
        return {kind: one.init(jax.random.key(0), one.x())[0] for kind, one in probes.items()}

    lines = []
    for path, leaf in jax.tree.leaves_with_path(first()):
        kind, *inner = names(path)
        numbers = np.asarray(leaf, np.float64).ravel()
        if numbers.any():
            lines.append(f'{kind} {"/".join(inner)} {list(leaf.shape)}: {told(numbers)}')
    hold(f'initial_{family}', '\n'.join(lines))
